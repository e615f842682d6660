import { type ErrorCode, RefresherError } from '../core/errors.ts';

const property = (error: Error, name: string): unknown => Reflect.get(error, name);

/**
 * Whether an SDK error's message may be repeated: answers of AWS, system errors of Node, timeouts. Other messages may
 * quote what was read: `JSON.parse` quotes a truncated answer with a secret in it.
 */
const speaksSafely = (error: Error): boolean =>
  property(error, '$fault') !== undefined ||
  typeof property(error, 'code') === 'string' ||
  error.name === 'TimeoutError';

/** An exception without words that might quote a secret. */
export const safeCause = (thrown: unknown): Error =>
  thrown instanceof Error && speaksSafely(thrown) ? named(thrown.name, thrown.message) : wordlessCause(thrown);

/** An exception by its name alone: code that handles secrets may quote them in any words. */
export const wordlessCause = (thrown: unknown): Error =>
  thrown instanceof Error
    ? named(thrown.name, 'its words are withheld')
    : new Error('a value that is not an error was thrown');

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

/** Calls the SDK. An exception becomes a `RefresherError` with the attempt and the cause. */
export const guarded = async <T>(code: ErrorCode, attempt: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof RefresherError) throw thrown;
    const cause = safeCause(thrown);
    throw new RefresherError(code, `could not ${attempt}: ${cause.name}`, { cause });
  }
};
