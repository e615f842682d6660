import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readToken } from '../../lib/client/index.ts';
import { mockedClient } from '../kit/mock-client.ts';

const issuedAt = Date.UTC(2026, 0, 1, 12);
const item = {
  connection: 'poweroffice-v2/oslo',
  accessToken: 'made-up',
  tokenType: 'Bearer',
  issuedAt,
  expiresAt: issuedAt + 1_200_000,
  headers: { Authorization: 'Bearer made-up', 'Ocp-Apim-Subscription-Key': 'key' },
  baseUrl: 'https://goapi.poweroffice.net/v2',
  version: 3,
};
const dynamodb = mockedClient(DynamoDBClient);
const read = (connection: string) => readToken(new DynamoDBClient({ region: 'eu-north-1' }), 'Tokens', connection);

beforeEach(() => {
  vi.useFakeTimers({ now: issuedAt + 60_500 });
  dynamodb.reset();
});
afterEach(() => void vi.useRealTimers());

test('a valid token is the same as the answer of the HTTP API', async () => {
  dynamodb.on(GetItemCommand).resolves({ Item: marshall(item) });
  expect(await read('poweroffice-v2/oslo')).toEqual({
    connection: 'poweroffice-v2/oslo',
    accessToken: 'made-up',
    tokenType: 'Bearer',
    issuedAt: '2026-01-01T12:00:00.000Z',
    expiresAt: '2026-01-01T12:20:00.000Z',
    expiresIn: 1139,
    headers: item.headers,
    baseUrl: item.baseUrl,
  });
  // Right after a refresh the old token may have expired already.
  expect(dynamodb.commandCalls(GetItemCommand)[0]?.args[0].input).toEqual({
    TableName: 'Tokens',
    Key: { connection: { S: 'poweroffice-v2/oslo' } },
    ConsistentRead: true,
  });
});

test('an expired one is not served', async () => {
  vi.setSystemTime(item.expiresAt);
  dynamodb.on(GetItemCommand).resolves({ Item: marshall(item) });
  await expect(read('poweroffice-v2/oslo')).rejects.toMatchObject({
    name: 'TokenError',
    code: 'no_valid_token',
    message: 'the token of poweroffice-v2/oslo died at 2026-01-01T12:20:00.000Z',
  });
});

test('a connection without a token is unknown', async () => {
  dynamodb.on(GetItemCommand).resolves({});
  await expect(read('poweroffice-v2/oslo')).rejects.toMatchObject({ name: 'TokenError', code: 'unknown_connection' });
});

test('an invalid connection causes no read', async () => {
  await expect(read('oslo')).rejects.toMatchObject({ name: 'TokenError', code: 'malformed_connection' });
  expect(dynamodb.calls()).toEqual([]);
});

test('a table that does not answer is another error', async () => {
  dynamodb.on(GetItemCommand).rejects(new Error('secret words'));
  const failed = read('poweroffice-v2/oslo');
  await expect(failed).rejects.toMatchObject({ name: 'RefresherError', code: 'store_failed' });
  await expect(failed).rejects.not.toThrow(/secret words/);
});
