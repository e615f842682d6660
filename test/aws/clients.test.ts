import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientSettings, dynamodbClient } from '../../lib/aws/clients.ts';
import { localClients } from '../kit/aws.ts';

const environment = {
  AWS_LAMBDA_FUNCTION_NAME: 'refresh',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'session',
};

describe('the credentials of clients', () => {
  it('come from the environment in Lambda', async () => {
    const client = dynamodbClient(environment, { region: 'eu-north-1' });
    const expected = { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'session' };
    expect(await client.config.credentials()).toMatchObject(expected);
    expect(await client.config.region()).toBe('eu-north-1');
  });

  it('missing in Lambda’s environment are an error, and no others are searched for', async () => {
    const { AWS_SECRET_ACCESS_KEY: _, ...incomplete } = environment;
    const client = dynamodbClient(incomplete, { region: 'eu-north-1' });
    await expect(client.config.credentials()).rejects.toThrow('AWS_SECRET_ACCESS_KEY is not set');
  });

  it('are left to the SDK elsewhere', () => {
    const { AWS_LAMBDA_FUNCTION_NAME: _, ...laptop } = environment;
    expect(clientSettings(laptop)).not.toHaveProperty('credentials');
  });
});

describe('a service that never answers', () => {
  let server: Server;
  beforeEach(async () => {
    server = createServer(() => {});
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  const clients = () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    return localClients({ endpoint: `http://127.0.0.1:${address.port}` });
  };
  // Only shorter than what is set: whether a timeout ends a request is up to the settings.
  const soon = { requestTimeout: 20 };

  it('is given up on, after four tries of DynamoDB', async () => {
    const get = new GetItemCommand({ TableName: 'Tokens', Key: { connection: { S: 'a' } } });
    await expect(clients().dynamodb.send(get, soon)).rejects.toMatchObject({
      name: 'TimeoutError',
      $metadata: { attempts: 4 },
    });
  });

  it('is given up on, after three tries of Secrets Manager', async () => {
    const get = new GetSecretValueCommand({ SecretId: 'a' });
    await expect(clients().secretsManager.send(get, soon)).rejects.toMatchObject({
      name: 'TimeoutError',
      $metadata: { attempts: 3 },
    });
  });

  it('has seconds, not minutes, to answer', () => {
    const limits = { connectionTimeout: 1000, requestTimeout: 3000, socketTimeout: 3000, throwOnRequestTimeout: true };
    expect(clientSettings(environment).requestHandler).toMatchObject(limits);
  });

  it('has to have a valid certificate, whatever the environment says', () => {
    const { httpsAgent } = clientSettings({ ...environment, NODE_TLS_REJECT_UNAUTHORIZED: '0' }).requestHandler;
    expect(httpsAgent).toEqual({ rejectUnauthorized: true });
  });
});
