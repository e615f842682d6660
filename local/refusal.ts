import { RefresherError } from '../lib/core/errors.ts';
import { refusalOfDisk } from './aws/system-error.ts';
import { UsageError } from './usage-error.ts';

const storeCodes: ReadonlySet<string> = new Set(['store_failed', 'secret_unreadable']);

/** What a store or the secret store refused, or that it did not answer, if the error is about that. */
export const refusalOfAws = (error: unknown): string | undefined => {
  if (error instanceof RefresherError) return storeCodes.has(error.code) ? error.message : undefined;
  if (!(error instanceof Error)) return undefined;
  // An error of the SDK: an error answer has a fault, and a call without an answer has counted its attempts.
  const ofSdk = Reflect.get(error, '$fault') !== undefined || Reflect.get(error, '$metadata') !== undefined;
  if (!ofSdk) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : error.name;
};

export const refusalSentence = (refusal: string): string =>
  `--data: the folder takes no writes: ${refusal}. Make room, or give another folder.`;

/** An error as one sentence, if the person at the terminal can fix it. */
export const sentenceOf = (error: unknown, refusal: string | undefined): string | undefined => {
  if (error instanceof UsageError) return error.message;
  if (refusal !== undefined) return refusalSentence(refusal);
  const refused = refusalOfAws(error);
  if (refused !== undefined) return `AWS cannot be used: ${refused}. Check that it answers, and its permissions.`;
  const disk = refusalOfDisk(error);
  return disk === undefined ? undefined : `The disk cannot be used: ${disk}.`;
};
