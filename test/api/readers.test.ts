import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { type EpochMs, epochMs, seconds } from '../../lib/core/types.ts';
import { apiWorld, grantReply, LIFE, type OpenedAnswer } from '../kit/api-world.ts';
import { START } from '../kit/records.ts';

const path = '/tokens/poweroffice-v2/acme';
const setUp = async () => {
  const world = apiWorld();
  const { clock } = world;
  const connection = await world.add('acme');
  const get = (query: Record<string, string> = {}) => world.call('GET', path, query);
  /** Many at one moment, and when each was answered. */
  const crowd = (count: number, call: () => Promise<OpenedAnswer> = get) =>
    Promise.all(Array.from({ length: count }, async () => ({ ...(await call()), at: clock.now() })));
  return { ...world, clock, connection, get, crowd };
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
  const since = world.clock.now();
  return { ...world, claimed, since };
};

const inProgress = { status: 503, headers: { 'retry-after': '2' }, json: { code: 'refresh_in_progress' } };

describe('a hundred readers of a connection without a valid token', () => {
  const setUpHanging = async () => {
    const world = await setUp();
    world.answers(async () => {
      await world.clock.sleep(seconds(8));
      return { kind: 'failed', code: 'timeout', sent: true };
    });
    return world;
  };
  const atOnce = <T extends { readonly at: EpochMs }>(answers: readonly T[]) =>
    answers.filter(({ at }) => at === START);

  it('occupy no more than four functions while the provider hangs: one refreshes, three wait', async () => {
    const { crowd, calls } = await setUpHanging();
    const answers = await crowd(100);
    expect(atOnce(answers)).toHaveLength(96);
    for (const answer of atOnce(answers)) expect(answer).toMatchObject(inProgress);
    const others = answers.filter(({ at }) => at !== START);
    for (const answer of others) {
      expect(answer).toMatchObject({ status: 503, json: { code: 'no_valid_token', reason: 'timeout' } });
      expect(answer.at - START).toBeLessThan(seconds(25));
    }
    expect(calls).toHaveLength(1);
  });

  it('cause one call, and those who wait get its token', async () => {
    const { crowd, calls, answers } = await setUp();
    answers(async call => {
      await Promise.resolve();
      return grantReply(`token-${call}`);
    });
    const all = await crowd(100);
    expect(all.filter(({ status, json }) => status === 200 && json.accessToken === 'token-1')).toHaveLength(4);
    expect(all.filter(({ json }) => json.code === 'refresh_in_progress')).toHaveLength(96);
    expect(calls).toHaveLength(1);
  });

  it('are counted for each refresh: three may wait for the next one again', async () => {
    const { crowd, clock } = await setUpHanging();
    await crowd(10);
    clock.pass(seconds(60));
    const now = clock.now();
    const answers = await crowd(10);
    expect(answers.filter(({ at }) => at > now)).toHaveLength(4);
  });

  it('are answered at once if enough others wait for a worker of the schedule', async () => {
    const { crowd, clock, requests } = await setUpClaimed(0);
    const now = clock.now();
    const answers = await crowd(10);
    expect(answers.filter(({ at }) => at > now)).toHaveLength(3);
    for (const answer of answers.filter(({ at }) => at === now)) expect(answer).toMatchObject(inProgress);
    expect(requests.length).toBeGreaterThanOrEqual(10);
  });
});

describe('readers of a connection that another worker has', () => {
  it('with a valid token get it at once, without a call', async () => {
    const { crowd, requests, since } = await setUpClaimed(30_000);
    for (const answer of await crowd(100)) {
      expect(answer).toMatchObject({ status: 200, json: { accessToken: 'token-1' }, at: since });
    }
    expect(requests).toEqual([]);
  });

  it('take no place of those who wait, if the claim comes in between', async () => {
    const { crowd, clock, tick, answers, connections, connection } = await setUp();
    await tick();
    clock.pass(LIFE - 30_000);
    answers(() => new Promise(() => {}));
    const now = clock.now();
    const all = await crowd(100);
    // One refreshes and waits a moment for it.
    expect(all.filter(({ at }) => at === now)).toHaveLength(99);
    for (const answer of all) expect(answer).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
    const record = await connections.get(connection);
    if (!record) throw new Error('there is no record');
    expect(await connections.join(connection, record.version, 1)).toBe(true);
  });

  it('wait for it without a valid token, and get what it publishes', async () => {
    const { get, tokens, connections, claimed, clock, calls } = await setUpClaimed(0);
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

  it('take over from a worker that crashed, when its lease ends while they wait', async () => {
    const { get, clock } = await setUpClaimed(1);
    clock.pass(defaultPolicy.lease - 10_000);
    expect(await get()).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
  });

  it('get a Retry-After if that worker never ends and nothing is valid', async () => {
    const { get, clock, since } = await setUpClaimed(0);
    const answer = await get();
    expect(answer).toMatchObject({ status: 503, json: { code: 'no_valid_token' } });
    expect(clock.now() - since).toBeLessThan(seconds(25));
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });
});
