import { expect, it } from 'vitest';
import { plus, seconds } from '../../lib/core/types.ts';
import { apiWorld, grantReply, LIFE } from '../kit/api-world.ts';
import type { Hooks } from '../kit/memory.ts';

/** How long a reader waits, and what it gets then. */

const path = '/tokens/poweroffice-v2/acme';
const setUp = async (hooks: Hooks = {}) => {
  const world = apiWorld(hooks);
  const { clock } = world;
  const connection = await world.add('acme');
  await world.tick();
  return { ...world, clock, connection };
};
const silent = { refresh: () => new Promise<never>(() => {}) };

it('a reader with a valid token waits a moment for a refresh that hangs', async () => {
  const { clock, call } = await setUp();
  clock.pass(LIFE - seconds(30));
  const before = clock.now();
  const answer = await call('GET', path, {}, silent);
  expect(answer).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
  expect(clock.now() - before).toBeLessThanOrEqual(seconds(5));
});

it('a reader with a token in its last seconds gets it while it is valid', async () => {
  const { clock, call } = await setUp();
  clock.pass(LIFE - seconds(3));
  const answer = await call('GET', path, {}, silent);
  expect(answer).toMatchObject({ status: 200, json: { accessToken: 'token-1', expiresIn: 1 } });
});

it('a reader with a token in its last second waits for the next one', async () => {
  const { clock, call, answers } = await setUp();
  answers(async () => {
    await clock.sleep(seconds(2));
    return grantReply('token-2');
  });
  clock.pass(LIFE - seconds(1));
  expect(await call('GET', path)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
});

it('a reader with a valid token gets it, although many others are after a new one', async () => {
  const { clock, call } = await setUp();
  clock.pass(LIFE - seconds(30));
  const busy = { refresh: async () => ({ result: 'waiting', reason: 'busy' }) as const };
  expect(await call('GET', path, {}, busy)).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
});

it('no reader waits longer than an HTTP API does', async () => {
  const { clock, call, refuse } = await setUp();
  const before = clock.now();
  expect(await refuse(path, undefined, silent)).toMatchObject({ status: 503, json: { code: 'refresh_failed' } });
  expect(clock.now() - before).toBeLessThan(seconds(25));
  clock.pass(LIFE);
  const later = clock.now();
  expect(await call('GET', path, {}, silent)).toMatchObject({ status: 503, json: { code: 'no_valid_token' } });
  expect(clock.now() - later).toBeLessThan(seconds(25));
});

it('a forced refresh hands out no token that expired on its way', async () => {
  const hooks: Hooks = {};
  const { clock, refuse } = await setUp(hooks);
  clock.pass(seconds(60));
  hooks.after = async operation => {
    if (operation === 'connections.settle') clock.pass(LIFE + 1);
  };
  expect(await refuse(path)).toMatchObject({ status: 503, json: { code: 'refresh_failed' } });
});

it('a reader waits for a crashed worker at most until its lease ends', async () => {
  const { clock, call, connections, connection } = await setUp();
  clock.pass(LIFE + 1);
  const record = await connections.get(connection);
  if (!record) throw new Error('there is no record');
  await connections.claim(record, { id: 'dead', leaseUntil: plus(clock.now(), seconds(5)) });
  const before = clock.now();
  expect(await call('GET', path)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
  expect(clock.now() - before).toBeLessThan(seconds(6));
});

it('a retired connection is served as long as its token exists and is valid', async () => {
  const { clock, call, connections, connection } = await setUp();
  clock.pass(LIFE - seconds(30));
  const retired = { refresh: async () => ({ result: 'retired' }) as const };
  expect(await call('GET', path, {}, retired)).toMatchObject({ status: 200 });
  await connections.retire(connection, clock.now());
  expect(await call('GET', path)).toMatchObject({ status: 200 });
  clock.pass(seconds(30));
  expect(await call('GET', path)).toMatchObject({ status: 404, json: { code: 'unknown_connection' } });
});

it('a connection that has ended is unknown, even if its token was restored', async () => {
  const { clock, call, connections, tokens, connection } = await setUp();
  const token = await tokens.get(connection);
  const record = await connections.get(connection);
  if (!token || !record) throw new Error('there is no token');
  await connections.retire(connection, clock.now());
  await tokens.withdraw(connection, record.version);
  await connections.end(connection, record.version, clock.now());
  await tokens.publish(token);
  expect(await call('GET', path)).toMatchObject({ status: 404, json: { code: 'unknown_connection' } });
});

it('a connection that retires during a request is unknown', async () => {
  const { clock, call, connections, tokens, connection } = await setUp();
  clock.pass(LIFE);
  const failing = {
    refresh: async () => {
      await connections.retire(connection, clock.now());
      await tokens.withdraw(connection, Number.MAX_SAFE_INTEGER as never);
      return { result: 'failed' } as const;
    },
  };
  expect(await call('GET', path, {}, failing)).toMatchObject({ status: 404, json: { code: 'unknown_connection' } });
});
