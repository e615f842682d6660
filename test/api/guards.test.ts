import { expect, it } from 'vitest';
import { plus, seconds } from '../../lib/core/types.ts';
import { apiWorld, LIFE } from '../support/api-world.ts';
import type { Hooks } from '../support/memory.ts';
import { virtualClock } from '../support/virtual-clock.ts';

/** Guards that nothing else would miss: found by taking them away. */

const path = '/tokens/poweroffice-v2/acme';
const setUp = async (hooks: Hooks = {}) => {
  const clock = virtualClock();
  const world = apiWorld(clock, hooks);
  const connection = await world.add('acme');
  await world.tick();
  return { ...world, clock, connection };
};

it('a refresher that never answers keeps no reader from a token that lives', async () => {
  const { clock, ask } = await setUp();
  clock.pass(seconds(10));
  const before = clock.now();
  const silent = { ask: () => new Promise<never>(() => {}) };
  const answer = await ask('GET', path, { minTtl: '1199' }, silent);
  expect(answer).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
  // An HTTP API gives up after 30 s.
  expect(clock.now() - before).toBeLessThan(seconds(29));
});

it('a forced refresh hands out no token that died on its way', async () => {
  const hooks: Hooks = {};
  const { clock, ask } = await setUp(hooks);
  clock.pass(seconds(60));
  hooks.after = async operation => {
    if (operation === 'connections.settle') clock.pass(LIFE + 1);
  };
  expect(await ask('POST', `${path}/refresh`)).toMatchObject({ status: 503, json: { code: 'refresh_failed' } });
});

it('a reader waits for a dead worker no longer than its lease', async () => {
  const { clock, ask, connections, connection } = await setUp();
  clock.pass(LIFE + 1);
  const record = await connections.get(connection);
  if (!record) throw new Error('there is no record');
  await connections.claim(record, { id: 'dead', leaseUntil: plus(clock.now(), seconds(5)) });
  const before = clock.now();
  expect(await ask('GET', path)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
  expect(clock.now() - before).toBeLessThan(seconds(6));
});

it('a token of a worker that died before it settled is not handed out as a new one', async () => {
  const { clock, ask, connections, tokens, connection } = await setUp();
  const [record, token] = [await connections.get(connection), await tokens.get(connection)];
  if (!record || !token) throw new Error('there is nothing to begin with');
  const claimed = await connections.claim(record, { id: 'dead', leaseUntil: plus(clock.now(), seconds(5)) });
  if (!claimed) throw new Error('the claim was lost');
  await tokens.publish({ ...token, version: claimed.version, accessToken: 'refused-by-the-provider' });
  expect(await ask('POST', `${path}/refresh`)).toMatchObject({ status: 503, json: { code: 'refresh_failed' } });
});

it('a connection that retired while it was asked for is unknown', async () => {
  const { clock, ask, connections, tokens, connection } = await setUp();
  await connections.retire(connection, clock.now());
  await tokens.withdraw(connection, Number.MAX_SAFE_INTEGER as never);
  const failing = { ask: async () => ({ result: 'failed' }) as const };
  expect(await ask('GET', path, {}, failing)).toMatchObject({ status: 404, json: { code: 'unknown_connection' } });
});
