import assert from 'node:assert/strict';
import { connectionKey } from '../../lib/aws/connection-item.ts';
import { type ConnectionId, epochMs, hours, parseConnectionId, providerOf } from '../../lib/core/types.ts';
import { readPath } from '../iam/paths.ts';
import type { CycleStage } from './cycle.ts';

const idOf = (text: string): ConnectionId => {
  const id = parseConnectionId(text);
  assert.ok(id);
  return id;
};

/** Changes between two calls of a refresh: tests the paths that only races take. */
export const endRaces = async (stage: CycleStage, [restored, retired]: readonly [string, string]): Promise<void> => {
  const { calls, operator } = stage;
  const { account } = calls.judge.evaluator;
  const token = { connection: { S: restored } };
  const published = account.physicalAt('Storage/Tokens');

  // A newer token exists when this one is published, as if the record came from an earlier state of its table.
  const newer = () => operator.set(published, token, 'version', { N: String(2 ** 50) });
  assert.equal((await refreshWith(stage, restored, newer)).refreshed, 1);

  // The end of the connection has begun when this token is published, and then its secret comes back.
  const records = account.physicalAt('Storage/Connections');
  const mark = (field: string) => operator.set(records, connectionKey(idOf(retired)), field, { N: String(Date.now()) });
  const end = async () => {
    await mark('retiredAt');
    await mark('endingAt');
  };
  assert.equal((await refreshWith(stage, retired, end)).retired, 1);
  await revive(stage, retired, 404);
  // The connection is retired when this token is published, and its secret is back within the grace period.
  assert.equal((await refreshWith(stage, retired, () => mark('retiredAt'))).retired, 1);
  await revive(stage, retired, 200);
};

/** Checks what readers get for a retired connection, and that discovery revives it. */
const revive = async ({ calls }: CycleStage, connection: string, status: 200 | 404): Promise<void> => {
  const { statusCode } = await calls.api('Readers/AllRoutes', 'GET', readPath(connection));
  assert.equal(statusCode, status);
  const { result } = await calls.tick('watch');
  assert.deepEqual(Reflect.get(Object(result), 'revived'), [connection]);
};

/** Refreshes a connection; something happens just before its token is published. */
const refreshWith = async (
  { calls, operator, proxy }: CycleStage,
  connection: string,
  happening: () => Promise<void>,
): Promise<Readonly<Record<string, number>>> => {
  const { account } = calls.judge.evaluator;
  const id = idOf(connection);
  const provider = providerOf(id);
  await operator.set(account.physicalAt('Storage/Connections'), connectionKey(id), 'dueAt', { N: '0' });
  proxy.before(`Refresh/${provider}`, 'dynamodb:PutItem', account.physicalAt('Storage/Tokens'), happening);
  const { result } = await calls.tick(`refresh-${provider}`);
  return Reflect.get(Object(result), 'results');
};

/** A worker that lost a race left its lease. Until the lease is over, no connection has ended. */
export const endLeases = (stage: CycleStage, connections: readonly string[]): Promise<void> =>
  backdate(stage, connections, 'leaseUntil');

/** Ends the grace period of retired connections. */
export const endGrace = (stage: CycleStage, connections: readonly string[]): Promise<void> =>
  backdate(stage, connections, 'dueAt');

/** Ends the time after which retired connections are removed. */
export const remove = async (stage: CycleStage, connections: readonly string[]): Promise<void> => {
  const { calls } = stage;
  await backdate(stage, connections, 'retiredAt');
  const { result } = await calls.tick('watch');
  assert.deepEqual(Reflect.get(Object(result), 'removed').toSorted(), connections);
};

/** Sets a time in each record back by a day. */
const backdate = async (
  { calls, operator }: CycleStage,
  connections: readonly string[],
  field: string,
): Promise<void> => {
  const table = calls.judge.evaluator.account.physicalAt('Storage/Connections');
  const longAgo = epochMs(Date.now() - hours(24));
  for (const connection of connections) {
    await operator.set(table, connectionKey(idOf(connection)), field, { N: String(longAgo) });
  }
};
