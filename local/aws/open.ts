import { resolve } from 'node:path';
import type { ClientOverrides } from '../../lib/aws/clients.ts';
import { isLoopback } from '../../lib/core/hosts.ts';
import type { Options } from '../options.ts';
import { UsageError } from '../usage-error.ts';
import { startEmbedded } from './embedded.ts';
import { FolderInUse } from './folder-lock.ts';
import { refusalOfDisk } from './system-error.ts';

/** How to reach DynamoDB and Secrets Manager. */
export interface Aws {
  readonly name: string;
  readonly overrides: ClientOverrides;
  /** On this machine: simulated credentials may be stored there. */
  readonly onLoopback: boolean;
  /** Why it takes no writes at the moment, if known; only the embedded AWS reports it. */
  refusal(): string | undefined;
  close(): Promise<void>;
}

const unknown = () => undefined;
const emulatorDefaults = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

export const openAws = async ({ endpoint, data }: Pick<Options, 'endpoint' | 'data'>): Promise<Aws> => {
  if (endpoint === 'aws')
    return {
      name: 'AWS, by the SDK’s settings',
      overrides: {},
      onLoopback: false,
      refusal: unknown,
      close: async () => {},
    };
  if (endpoint !== undefined) {
    const onLoopback = isLoopback(new URL(endpoint).hostname);
    // An emulator needs some region and credentials; the SDK's own settings come first.
    const overrides = onLoopback ? { endpoint, ...withoutSettings() } : { endpoint };
    return { name: endpoint, overrides, onLoopback, refusal: unknown, close: async () => {} };
  }
  const embedded = await embed(data);
  return {
    name: data === undefined ? 'embedded, in memory' : `embedded, kept in ${resolve(data)}`,
    // The host is the socket's: requests stay in this process.
    overrides: { endpoint: 'http://127.0.0.1', httpAgent: embedded.agent, ...emulatorDefaults },
    onLoopback: true,
    refusal: embedded.refusal,
    close: () => embedded.close(),
  };
};

const embed = async (data: string | undefined) => {
  try {
    return await startEmbedded(data === undefined ? {} : { folder: resolve(data) });
  } catch (error) {
    if (data === undefined) throw error;
    throw new UsageError(`--data: ${data} cannot be used: ${reasonOf(error)}.`);
  }
};

/** The reason without the error's own words: they might quote the folder's content, which includes secrets. */
const reasonOf = (error: unknown): string => {
  if (error instanceof FolderInUse) return error.message;
  const refused = refusalOfDisk(error);
  if (refused !== undefined) return refused;
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const ofSystem = typeof code === 'string' && !code.startsWith('LEVEL_');
  return ofSystem ? code : 'what is in it is damaged or belongs to something else; give another folder';
};

const withoutSettings = () => ({
  ...(!process.env.AWS_REGION && !process.env.AWS_DEFAULT_REGION && { region: emulatorDefaults.region }),
  ...(!process.env.AWS_ACCESS_KEY_ID && !process.env.AWS_PROFILE && { credentials: emulatorDefaults.credentials }),
});
