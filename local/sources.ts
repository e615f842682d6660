import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { epochMs } from '../lib/core/types.ts';
import type { Options } from './options.ts';
import { readSecretsFolder } from './secrets-folder.ts';
import { simulatedSecrets } from './simulators/accounts.ts';
import { simulatorMemory } from './simulators/memory.ts';
import { startSimulators } from './simulators/server.ts';

export const SECRET_PREFIX = 'token-refresher/';

/** Where credentials come from. */
export interface Source {
  readonly name: string;
  /** Brings the secret store up to date: called at the start and before each discovery. */
  store(client: SecretsManagerClient): Promise<void>;
  close(): Promise<void>;
}

/** Checked and ready before anything else is started. */
export const openSource = async (options: Options): Promise<Source> => {
  if (options.secrets !== undefined) return folderSource(options.secrets);
  if (options.endpoint !== undefined && !isLoopback(options.endpoint)) {
    return { name: `the secrets below ${SECRET_PREFIX} that are there`, store: async () => {}, close: async () => {} };
  }
  return simulatorSource(options);
};

const folderSource = async (folder: string): Promise<Source> => {
  let stored: ReadonlyMap<string, string> = await readSecretsFolder(folder);
  let first = true;
  return {
    name: folder,
    store: async client => {
      // A file that is being edited may be broken for a moment: what is stored stays until the folder is good again.
      const wanted = first ? stored : await readSecretsFolder(folder).catch(() => stored);
      for (const [name, text] of wanted) if (first || stored.get(name) !== text) await put(client, name, text);
      for (const name of stored.keys()) if (!wanted.has(name)) await remove(client, name);
      stored = wanted;
      first = false;
    },
    close: async () => {},
  };
};

const simulatorSource = async (options: Options): Promise<Source> => {
  const memory = simulatorMemory(options.data);
  const simulators = await startSimulators({
    now: () => epochMs(Date.now()),
    scale: options.speed,
    random: Math.random,
    ...memory,
  });
  const secrets = Object.entries(simulatedSecrets(simulators.url));
  return {
    name: `simulators on ${simulators.url}`,
    store: async client => {
      for (const [name, value] of secrets) await put(client, name, JSON.stringify(value));
    },
    close: () => simulators.close(),
  };
};

const put = async (client: SecretsManagerClient, name: string, text: string): Promise<void> => {
  const SecretId = `${SECRET_PREFIX}${name}`;
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }));
    if (SecretString !== text) await client.send(new PutSecretValueCommand({ SecretId, SecretString: text }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    await client.send(new CreateSecretCommand({ Name: SecretId, SecretString: text }));
  }
};

const remove = async (client: SecretsManagerClient, name: string): Promise<void> => {
  await client.send(new DeleteSecretCommand({ SecretId: `${SECRET_PREFIX}${name}`, ForceDeleteWithoutRecovery: true }));
};

const isLoopback = (endpoint: string): boolean =>
  endpoint !== 'aws' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(endpoint).hostname);
