import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  RestoreSecretCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type ClientOverrides, type Clients, createClients } from '../../lib/aws/clients.ts';
import { connectionTable } from '../../lib/aws/connection-table.ts';
import type { TableNames } from '../../lib/aws/keys.ts';
import { limitTable } from '../../lib/aws/limit-table.ts';
import { loginTable } from '../../lib/aws/login-table.ts';
import { secretsManager } from '../../lib/aws/secrets.ts';
import { sessionTable } from '../../lib/aws/session-table.ts';
import { createTables } from '../../lib/aws/tables.ts';
import { tokenTable } from '../../lib/aws/token-table.ts';
import type { RefresherError } from '../../lib/core/errors.ts';
import type { SecretAdmin, Stores } from './memory.ts';

/** Clients of an AWS that checks no credentials. */
export const localClients = (overrides: ClientOverrides): Clients =>
  createClients(
    {},
    { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, ...overrides },
  );

const secretAdmin = (client: SecretsManagerClient): SecretAdmin => ({
  put: async (name, text, version) => {
    const value = text === undefined ? {} : { SecretString: text, ClientRequestToken: version };
    try {
      await client.send(new PutSecretValueCommand({ SecretId: name, ...value }));
    } catch (thrown) {
      if (!(thrown instanceof ResourceNotFoundException) && text !== undefined) throw thrown;
      await client.send(new CreateSecretCommand({ Name: name, ...value }));
    }
  },
  delete: async name => {
    await client.send(new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: 7 }));
  },
  erase: async name => {
    await client.send(new DeleteSecretCommand({ SecretId: name, ForceDeleteWithoutRecovery: true }));
  },
  restore: async name => {
    await client.send(new RestoreSecretCommand({ SecretId: name }));
  },
});

export interface AwsStores extends Stores {
  readonly clients: Clients;
  readonly tables: TableNames;
  /** The errors about broken records. */
  readonly broken: RefresherError[];
}

/** The real adapters over any endpoint, with their tables created. */
export const awsStores = async (overrides: ClientOverrides): Promise<AwsStores> => {
  const clients = localClients(overrides);
  const tables = { tokens: 'Tokens', connections: 'Connections' };
  await createTables(clients.dynamodb, tables);
  const broken: RefresherError[] = [];
  return {
    clients,
    tables,
    broken,
    tokens: tokenTable(clients.dynamodb, tables.tokens),
    connections: connectionTable(clients.dynamodb, tables.connections, error => broken.push(error)),
    sessions: sessionTable(clients.dynamodb, tables.connections),
    limits: limitTable(clients.dynamodb, tables.connections),
    logins: loginTable(clients.dynamodb, tables.connections),
    secrets: { ...secretsManager(clients.secretsManager), ...secretAdmin(clients.secretsManager) },
  };
};
