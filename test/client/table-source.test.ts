import { once } from 'node:events';
import { createServer } from 'node:http';
import { DynamoDB, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTables } from '../../lib/aws/tables.ts';
import { tokenTable } from '../../lib/aws/token-table.ts';
import { createTokenClient } from '../../lib/client/index.ts';
import { type DynamoDbMethods, tableSourceIn } from '../../lib/client/table-source.ts';
import type { TokenSource } from '../../lib/client/token.ts';
import { epochMs, parseConnectionId, version } from '../../lib/core/types.ts';
import { createEmbedded } from '../../local/aws/embedded.ts';
import { listening } from '../kit/loopback.ts';
import { ACME, CLIENT_START, made, madeEnvironment } from './made.ts';

const credentials = { accessKeyId: 'invented', secretAccessKey: 'invented' };
const embedded = await createEmbedded();
let settings: { endpoint: string; region: string; credentials: typeof credentials };
let client: DynamoDBClient;

const publish = async (n: number, connection = ACME) => {
  const id = parseConnectionId(connection);
  if (!id) throw new Error('it is a connection');
  const { issuedAt, expiresAt, ...rest } = made(n);
  const times = { issuedAt: epochMs(issuedAt), expiresAt: epochMs(expiresAt) };
  await tokenTable(client, 'Tokens').publish({ ...rest, ...times, connection: id, version: version(CLIENT_START + n) });
};

beforeAll(async () => {
  embedded.server.listen(0, '127.0.0.1');
  await once(embedded.server, 'listening');
  const address = embedded.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  settings = { endpoint: `http://127.0.0.1:${address.port}`, region: 'us-east-1', credentials };
  client = new DynamoDBClient(settings);
  await createTables(client, { tokens: 'Tokens', connections: 'Connections' });
  await publish(0);
});
afterAll(async () => {
  client.destroy();
  await embedded.close();
});

const options = { minTtl: 60, patience: 'long' } as const;
/** A DynamoDB that answers every request with this error. */
const refusing = async (type: string, status = 400) => {
  const server = createServer((_, response) => {
    const body = JSON.stringify({ __type: `com.amazonaws#${type}`, message: 'planted words' });
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
  });
  const endpoint = `http://127.0.0.1:${await listening(server)}`;
  return new DynamoDBClient({ ...settings, endpoint, maxAttempts: 1 });
};

/** Without `send`: a `DynamoDB` of another version than the installed one takes no command of that. */
const onlyMethods = (dynamodb: DynamoDB): DynamoDbMethods => ({ getItem: dynamodb.getItem.bind(dynamodb) });

describe('the table', () => {
  it.each([
    ['a DynamoDBClient', () => client],
    ['a DynamoDB, by its own method', () => onlyMethods(new DynamoDB(settings))],
    ['a DynamoDB', () => new DynamoDB(settings)],
    ['a DynamoDBDocumentClient', () => DynamoDBDocumentClient.from(client)],
  ])('is read with %s', async (_, clientOf) => {
    const source = tableSourceIn(madeEnvironment().environment, { tableName: 'Tokens', client: clientOf() });
    expect(await source.get(ACME, options)).toEqual(made(0));
  });

  it('is read consistently: right after a refresh an older copy may have an expired token', async () => {
    const inputs: object[] = [];
    const dynamodb = new DynamoDB(settings);
    const getItem: DynamoDbMethods['getItem'] = (input, more) => {
      inputs.push(input);
      return dynamodb.getItem(input, more);
    };
    await tableSourceIn(madeEnvironment().environment, { tableName: 'Tokens', client: { getItem } }).get(ACME, options);
    expect(inputs).toEqual([{ TableName: 'Tokens', Key: { connection: { S: ACME } }, ConsistentRead: true }]);
  });

  it('is the one in the environment by default', async () => {
    const source = tableSourceIn(madeEnvironment({ TOKENS_TABLE: 'Tokens' }).environment, { client });
    expect(await source.get(ACME, options)).toEqual(made(0));
    expect(() => tableSourceIn(madeEnvironment().environment, { client })).toThrow('"tableName" must be the name');
  });

  it('gives a token that no caller can change', async () => {
    const token = await tableSourceIn(madeEnvironment().environment, { tableName: 'Tokens', client }).get(
      ACME,
      options,
    );
    expect([token, token.headers].every(Object.isFrozen)).toBe(true);
  });

  it('gives a newer token than a refused one, as soon as there is one', async () => {
    const refused = `${ACME}/refused`;
    await publish(10, refused);
    const source = tableSourceIn(madeEnvironment().environment, { tableName: 'Tokens', client });
    const token = await source.get(refused, options);
    expect(await source.renew(token)).toBeUndefined();
    await publish(11, refused);
    expect(await source.renew(token)).toMatchObject({ accessToken: 'invented-11' });
  });
});

describe('an error', () => {
  it('says that a connection has no token', async () => {
    const source = tableSourceIn(madeEnvironment().environment, { tableName: 'Tokens', client });
    await expect(source.get('officernd/nobody', options)).rejects.toMatchObject({
      ...{ name: 'TokenError', code: 'unknown_connection', connection: 'officernd/nobody' },
      message: expect.stringMatching(/^officernd\/nobody: it has no token\. Check its name\./),
    });
  });

  it('says since when the token has expired', async () => {
    const { environment, state } = madeEnvironment();
    const source = tableSourceIn(environment, { tableName: 'Tokens', client });
    state.now = CLIENT_START + 1_200_000 - 1;
    expect(await source.get(ACME, options)).toEqual(made(0));
    state.now += 1;
    const message = expect.stringContaining('its token has expired at 2026-01-01T00:20:00.000Z');
    await expect(source.get(ACME, options)).rejects.toMatchObject({ code: 'no_valid_token', message });
  });

  it.each(['AccessDeniedException', 'UnrecognizedClientException', 'ExpiredTokenException'])(
    'says that AWS refuses the request: %s',
    async type => {
      const source = tableSourceIn(madeEnvironment().environment, {
        tableName: 'Tokens',
        client: await refusing(type),
      });
      await expect(source.get(ACME, options)).rejects.toMatchObject({
        ...{ code: 'forbidden', cause: { name: type } },
        message: expect.stringContaining('grantRead'),
      });
    },
  );

  it('says that the table does not answer', async () => {
    const source = tableSourceIn(madeEnvironment().environment, {
      tableName: 'Tokens',
      client: await refusing('InternalServerError', 500),
    });
    await expect(source.get(ACME, options)).rejects.toMatchObject({
      ...{ code: 'source_unreachable', message: expect.stringContaining('InternalServerError') },
    });
  });

  it('comes as soon as the table takes too long', async () => {
    const { environment, deadlines, expire } = madeEnvironment();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const silent = `http://127.0.0.1:${await listening(createServer(() => arrive()))}`;
    const slow = new DynamoDBClient({ ...settings, endpoint: silent });
    const reading = tableSourceIn(environment, { tableName: 'Tokens', client: slow }).get(ACME, {
      ...options,
      patience: 'short',
    });
    await arrived;
    expire();
    await expect(reading).rejects.toMatchObject({ code: 'source_unreachable' });
    expect(deadlines.map(({ patience }) => patience)).toEqual([3000]);
  });

  it.each<[string, (source: TokenSource) => Promise<unknown>]>([
    ['a read', source => source.get(ACME, { ...options, patience: 'short' })],
    ['a renewal', source => source.renew(made(0))],
  ])('comes as soon as the provider of credentials takes too long: %s', async (_, call) => {
    const { environment, deadlines, expire } = madeEnvironment();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const hanging = () => {
      ask();
      return new Promise<never>(() => undefined);
    };
    const waiting = new DynamoDBClient({ ...settings, credentials: hanging });
    const calling = call(tableSourceIn(environment, { tableName: 'Tokens', client: waiting }));
    await asked;
    expire();
    await expect(calling).rejects.toMatchObject({ code: 'source_unreachable', cause: { name: 'TimeoutError' } });
    expect(deadlines.map(({ patience }) => patience)).toEqual([3000]);
  });

  it('has no word of an item that is not a token', async () => {
    const { PutItemCommand } = await import('@aws-sdk/client-dynamodb');
    const Item = { connection: { S: 'officernd/broken' }, accessToken: { S: 'planted-secret' } };
    await client.send(new PutItemCommand({ TableName: 'Tokens', Item }));
    const source = tableSourceIn(madeEnvironment().environment, { tableName: 'Tokens', client });
    const error = await source.get('officernd/broken', options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'source_unreachable' });
    expect(String(error)).not.toContain('planted-secret');
  });
});

it('a token of another connection is refused', async () => {
  const { GetItemCommand } = await import('@aws-sdk/client-dynamodb');
  const { Item } = await client.send(new GetItemCommand({ TableName: 'Tokens', Key: { connection: { S: ACME } } }));
  const getItem = async () => ({ Item });
  const source = tableSourceIn(madeEnvironment().environment, { tableName: 'Tokens', client: { getItem } });
  expect(await source.get(ACME, options)).toEqual(made(0));
  await expect(source.get('poweroffice-v2/other', options)).rejects.toMatchObject({ code: 'source_unreachable' });
});

it('without a client, the installed SDK makes one from the environment', async () => {
  const { endpoint, region } = settings;
  const { accessKeyId: key, secretAccessKey: secret } = credentials;
  const env = { AWS_REGION: region, AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, TOKENS_TABLE: 'Tokens' };
  for (const [name, value] of Object.entries({ ...env, AWS_ENDPOINT_URL_DYNAMODB: endpoint })) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  // By the real clock, the token of this file has expired.
  await expect(createTokenClient().get(ACME)).rejects.toMatchObject({ code: 'no_valid_token' });
});
