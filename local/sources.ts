import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { secretsManager } from '../lib/aws/secrets.ts';
import { DEFAULT_NAME, secretPrefixOf } from '../lib/core/deployment.ts';
import { isLoopback } from '../lib/core/hosts.ts';
import { epochMs } from '../lib/core/types.ts';
import type { DefinedProvider } from '../lib/definition/provider.ts';
import { providers } from '../lib/providers/index.ts';
import type { Options } from './options.ts';
import { expectSecrets, readSecretsFolder } from './secrets-folder.ts';
import { simulatedAccounts, simulatedSecrets } from './simulators/accounts.ts';
import { madeUpAccount } from './simulators/generic/made-up.ts';
import { simulatorMemory } from './simulators/memory.ts';
import { startSimulators } from './simulators/server.ts';

export const SECRET_PREFIX = secretPrefixOf(DEFAULT_NAME);

/** A source of credentials. */
export interface Source {
  readonly name: string;
  /** Whether they belong to simulators, whose time may go faster. */
  readonly simulated: boolean;
  /** Updates the secret store: called at the start and before each discovery. */
  store(client: SecretsManagerClient): Promise<void>;
  close(): Promise<void>;
}

/** Checks the source before anything else is started. `added`: providers that are not built in. */
export const openSource = async (options: Options, added: readonly DefinedProvider[]): Promise<Source> => {
  if (options.secrets !== undefined) return folderSource(options.secrets, options, [...providers, ...added]);
  if (options.endpoint !== undefined && !isLocal(options.endpoint)) {
    const name = `the secrets below ${SECRET_PREFIX} that are there`;
    return { name, simulated: false, store: async () => {}, close: async () => {} };
  }
  return simulatorSource(options, added);
};

const folderSource = async (folder: string, options: Options, all: readonly DefinedProvider[]): Promise<Source> => {
  const read = () => readSecretsFolder(folder, all);
  let stored: ReadonlyMap<string, string> = await read();
  expectSecrets(folder, stored);
  let first = true;
  return {
    name: folder,
    simulated: false,
    store: async client => {
      // A file that is being edited may be invalid for a moment: the stored secrets stay until the folder is valid
      // again.
      const wanted = first ? stored : await read().catch(() => stored);
      if (first) await forgetOthers(client, options, wanted);
      for (const [name, text] of wanted) if (first || stored.get(name) !== text) await put(client, name, text);
      for (const name of stored.keys()) if (!wanted.has(name)) await remove(client, name, options);
      stored = wanted;
      first = false;
    },
    close: async () => {},
  };
};

/** The name of the connection at the generic simulator. */
const EXAMPLE = 'example';

const simulatorSource = async (options: Options, added: readonly DefinedProvider[]): Promise<Source> => {
  const accounts = [...simulatedAccounts, ...added.map(provider => madeUpAccount(provider, EXAMPLE))];
  const memory = simulatorMemory(options.data);
  const simulators = await startSimulators({
    now: () => epochMs(Date.now()),
    scale: options.speed,
    random: Math.random,
    accounts,
    defined: added,
    ...memory,
  });
  const secrets = new Map(Object.entries(simulatedSecrets(simulators.url, accounts)));
  return {
    name: `simulators on ${simulators.url}`,
    simulated: true,
    store: async client => {
      await forgetOthers(client, options, secrets);
      for (const [name, value] of secrets) await put(client, name, JSON.stringify(value));
    },
    close: () => simulators.close(),
  };
};

/** Deletes secrets of an earlier run from the embedded AWS: their files or simulators are gone. */
const forgetOthers = async (
  client: SecretsManagerClient,
  options: Options,
  wanted: ReadonlyMap<string, unknown>,
): Promise<void> => {
  // Another AWS may hold secrets that are not ours.
  if (options.endpoint !== undefined) return;
  for (const listed of await secretsManager(client).list(SECRET_PREFIX)) {
    const name = listed.name.slice(SECRET_PREFIX.length);
    if (!wanted.has(name)) await remove(client, name, options);
  }
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

/** In real AWS a secret can be restored for a while: the folder may have been the wrong one. */
const remove = async (client: SecretsManagerClient, name: string, { endpoint }: Options): Promise<void> => {
  const forever = endpoint === undefined || isLocal(endpoint);
  const SecretId = `${SECRET_PREFIX}${name}`;
  await client.send(new DeleteSecretCommand({ SecretId, ...(forever && { ForceDeleteWithoutRecovery: true }) }));
};

const isLocal = (endpoint: string): boolean => endpoint !== 'aws' && isLoopback(new URL(endpoint).hostname);
