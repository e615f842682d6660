import assert from 'node:assert/strict';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTokenClient, tableSource } from '../../lib/client/index.ts';
import { GRANTED, NEIGHBOUR, PACKED } from '../iam/readers.ts';
import type { CycleStage, ReadToken } from './cycle.ts';
import { credentialsOf } from './wire.ts';

/** Reads tokens like functions of consumers: with the library, the SDK, and the role with the grant. */
export const readByTable = async ({ calls, proxy }: CycleStage, expected: ReadToken): Promise<void> => {
  const { account } = calls.judge.evaluator;
  const table = account.physicalAt('Storage/Tokens');
  const tokensOf = (identity: string) => {
    const settings = { endpoint: proxy.url, region: account.place.region, credentials: credentialsOf(identity) };
    const source = tableSource({ tableName: table, client: new DynamoDBClient(settings) });
    return createTokenClient({ source });
  };
  const { accessToken, expiresAt } = await tokensOf('Readers/OneToken').get(GRANTED);
  assert.deepEqual({ accessToken, expiresAt: new Date(expiresAt).toISOString() }, expected);
  assert.ok((await tokensOf('Readers/OneProvider').get(NEIGHBOUR)).accessToken);
  assert.ok((await tokensOf('Readers/OneSecret').get(`${PACKED}/oslo`)).accessToken);
  for (const [identity, connection] of [
    ['Readers/Stranger', GRANTED],
    ['Readers/OneToken', NEIGHBOUR],
  ] as const) {
    await assert.rejects(tokensOf(`probe ${identity}`).get(connection), { code: 'forbidden' });
  }
};
