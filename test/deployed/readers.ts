import assert from 'node:assert/strict';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readToken } from '../../lib/client/index.ts';
import { GRANTED, NEIGHBOUR, PACKED } from '../iam/readers.ts';
import type { ReadToken, Stage } from './cycle.ts';
import { credentialsOf } from './wire.ts';

/** Reads tokens like functions of consumers: with the library, the SDK, and the role with the grant. */
export const readByTable = async ({ calls, proxy }: Stage, expected: ReadToken): Promise<void> => {
  const { account } = calls.judge.evaluator;
  const table = account.physicalAt('Storage/Tokens');
  const clientOf = (identity: string) =>
    new DynamoDBClient({ endpoint: proxy.url, region: account.place.region, credentials: credentialsOf(identity) });
  const { accessToken, expiresAt } = await readToken(clientOf('Readers/OneToken'), table, GRANTED);
  assert.deepEqual({ accessToken, expiresAt }, expected);
  assert.ok((await readToken(clientOf('Readers/OneProvider'), table, NEIGHBOUR)).accessToken);
  assert.ok((await readToken(clientOf('Readers/OneSecret'), table, `${PACKED}/oslo`)).accessToken);
  for (const [identity, connection] of [
    ['Readers/Stranger', GRANTED],
    ['Readers/OneToken', NEIGHBOUR],
  ] as const) {
    await assert.rejects(readToken(clientOf(`probe ${identity}`), table, connection), /AccessDeniedException/);
  }
};
