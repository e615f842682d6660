import { describe, expect, it } from 'vitest';
import { systemClock } from '../../functions/system.ts';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { epochMs } from '../../lib/core/types.ts';
import { apiWorld, granted, LIFE } from '../support/api-world.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const path = '/tokens/poweroffice-v2/acme';
const setUp = async () => {
  const clock = virtualClock();
  const world = apiWorld(clock);
  const connection = await world.add('acme');
  return { ...world, clock, connection, get: (query = {}) => world.ask('GET', path, query) };
};
/** A connection that some other worker claimed a moment ago, and its token. */
const setUpClaimed = async (left: number) => {
  const world = await setUp();
  await world.tick();
  world.clock.pass(LIFE - left);
  const record = await world.connections.get(world.connection);
  if (!record) throw new Error('there is no record');
  const leaseUntil = epochMs(world.clock.now() + defaultPolicy.lease);
  const claimed = await world.connections.claim(record, { id: 'somebody', leaseUntil });
  if (!claimed) throw new Error('the claim was lost');
  return { ...world, claimed };
};

describe('readers at one moment', () => {
  it('cause one call of the provider, however many they are, and all get the new token', async () => {
    const world = apiWorld(systemClock);
    await world.add('acme');
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    world.answers(async call => {
      await answered;
      return granted(`token-${call}`);
    });
    const readers = Array.from({ length: 100 }, () => world.ask('GET', path));
    await expect.poll(() => world.asks.length).toBe(100);
    resolve();
    const answers = await Promise.all(readers);
    expect(new Set(answers.map(({ status, json }) => `${status} ${json.accessToken}`))).toEqual(
      new Set(['200 token-1']),
    );
    expect(world.calls).toHaveLength(1);
  });

  it('wait for the refresh that somebody else has begun, and get what it publishes', async () => {
    const { get, tokens, connections, claimed, clock, calls } = await setUpClaimed(30_000);
    const waiting = get();
    await clock.sleep(3000);
    const old = await tokens.get(claimed.connection);
    if (!old) throw new Error('there is no token');
    const expiresAt = epochMs(clock.now() + LIFE);
    const issuedAt = clock.now();
    await tokens.publish({ ...old, accessToken: 'theirs', version: claimed.version, issuedAt, expiresAt });
    await connections.settle(claimed.connection, claimed.version, {
      status: 'healthy',
      dueAt: epochMs(expiresAt - LIFE / 2),
      failures: 0,
      issuedAt,
      expiresAt,
    });
    expect(await waiting).toMatchObject({ status: 200, json: { accessToken: 'theirs' } });
    expect(calls).toHaveLength(1);
  });

  it('are served a token that still lives when that somebody never ends, within the 30 s of an HTTP API', async () => {
    const { get, clock } = await setUpClaimed(50_000);
    const since = clock.now();
    expect(await get()).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
    expect(clock.now() - since).toBeLessThan(30_000);
  });

  it('are served a token that dies before their patience does, while it lives', async () => {
    const { get, clock } = await setUpClaimed(5000);
    const { status, json } = await get();
    expect(status).toBe(200);
    expect(Date.parse(String(json.expiresAt))).toBeGreaterThan(clock.now());
  });

  it('take over from a worker that died, when its lease ends while they wait', async () => {
    const { get, clock } = await setUpClaimed(1);
    clock.pass(defaultPolicy.lease - 10_000);
    expect(await get()).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
  });

  it('are told to come back when that somebody never ends and nothing lives', async () => {
    const { get, clock } = await setUpClaimed(1);
    const since = clock.now();
    const answer = await get();
    expect(answer).toMatchObject({ status: 503, json: { code: 'no_living_token' } });
    expect(clock.now() - since).toBeLessThan(30_000);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });
});
