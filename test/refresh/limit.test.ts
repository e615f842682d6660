import { describe, expect, it } from 'vitest';
import { isObject } from '../../lib/core/json.ts';
import type { Provider } from '../../lib/core/provider.ts';
import { windowOf } from '../../lib/core/rate-limit.ts';
import { minutes, plus, seconds } from '../../lib/core/types.ts';
import { always, failAlways } from '../kit/faults.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';
import { answer, ID, packed, SURELY_DUE, testProvider, vendorWorld } from '../kit/vendor.ts';

const perMinute = (calls: number) => ({ calls, per: minutes(1) });
const limited = (calls: number, abilities = {}) => testProvider({ rateLimit: perMinute(calls) }, abilities);
const WINDOW = windowOf(perMinute(1));

describe('an exhausted rate limit', () => {
  it('postpones a run: no call, no failure, due when there is a slot', async () => {
    const { world } = await vendorWorld({ provider: limited(2) });
    const before = await world.record(ID);
    await world.useLimit(perMinute(2), 2);
    const room = plus(world.clock.now(), WINDOW);
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 0, dueAt: room });
    const { dueAt: _, version: __, ...rest } = before;
    const now = world.clock.now();
    const lastError = { code: 'budget_used', at: now, since: now, times: 1 };
    expect(await world.record(ID)).toEqual({ ...rest, dueAt: room, version: before.version + 1, lastError });
    expect(await world.tick('test-provider')).toMatchObject({ due: 0 });
    world.clock.pass(WINDOW);
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
  });

  it('is waited for if a slot is a moment away', async () => {
    const rateLimit = { calls: 1, per: seconds(1) };
    const { world } = await vendorWorld({ provider: testProvider({ rateLimit }) });
    await world.useLimit(rateLimit, 1);
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', calls: 1 });
    expect(world.clock.slept).toEqual([windowOf(rateLimit)]);
  });

  it('is not waited for longer than a lease allows', async () => {
    const rateLimit = { calls: 1, per: seconds(16) };
    const { world } = await vendorWorld({ provider: testProvider({ rateLimit }) });
    await world.useLimit(rateLimit, 1);
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 0 });
    expect(world.clock.slept).toEqual([]);
  });

  it('that a run waited for leaves it its whole time for the call', async () => {
    const rateLimit = { calls: 1, per: seconds(4) };
    const { world } = await vendorWorld({ provider: testProvider({ rateLimit }) });
    await world.useLimit(rateLimit, 1);
    always(world, 'after', 'secrets.get', () => world.clock.pass(seconds(0.5)));
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    expect(world.clock.slept[0]).toBeGreaterThan(3000);
    expect(world.deadlines).toEqual([world.policy.callDeadline]);
  });

  it('does not forget that a session may be spent', async () => {
    const { world, vendor } = await vendorWorld({ provider: limited(2) });
    await world.useLimit(perMinute(2), 1);
    vendor.script.push(() => answer('', 500));
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 1 });
    expect(await world.record(ID)).not.toHaveProperty('session');
    expect(await world.refreshToken(ID)).toBeUndefined();
    world.clock.pass(WINDOW);
    await world.refresh(ID);
    expect(vendor.grants).toEqual(['refresh', 'password']);
  });

  it('leaves a connection that needs attention as it is', async () => {
    const { world, vendor } = await vendorWorld({ provider: limited(1), refreshed: false });
    vendor.password = 'other';
    await world.refresh(ID);
    const { attentionSince, lastError } = await world.record(ID);
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', to: 'attention' });
    expect(await world.record(ID)).toMatchObject({ status: 'attention', attentionSince, lastError, failures: 1 });
  });
});

/** Each secret names the limit that it shares. */
const limitedBySecret: Provider = {
  ...limited(1),
  concurrency: 1,
  open: secret => {
    const opened = limited(1).open(secret);
    const limit = isObject(secret) ? secret.limit : '';
    return opened.ok ? { ok: true, account: { ...opened.account, limitKey: `test-provider#${limit}` } } : opened;
  },
};

it('an exhausted limit postpones no connection with another limit, however late in the tick its turn is', async () => {
  const { world } = await vendorWorld({ provider: limitedBySecret, refreshed: false });
  for (let n = 0; n < 8; n += 1) await world.add(idOf(`crowd-${n}`), { password: 'right', limit: 'theirs' });
  world.clock.pass(seconds(1));
  const last = await world.add(idOf('last'), { password: 'right', limit: 'mine' });
  expect(await world.tick('test-provider')).toMatchObject({ due: 10, results: { refreshed: 3 } });
  expect(world.reports.at(-1)).toMatchObject({ connection: last, result: 'refreshed' });
});

it('a part of a limit that the failing ones have used up does not postpone what does not fail', async () => {
  const { world } = await vendorWorld({ provider: { ...limited(4), concurrency: 1 }, refreshed: false });
  await world.useLimit(perMinute(4), 1);
  const life = { issuedAt: START, expiresAt: plus(START, minutes(30)) };
  for (let n = 0; n < 8; n += 1) {
    const failing = connectionOf(idOf(`failing-${n}`), { status: 'failing', failures: 1, ...life });
    await world.put(failing.connection, { password: 'right' });
    await world.stores.connections.add(failing);
  }
  expect(await world.tick('test-provider')).toMatchObject({ due: 9, results: { refreshed: 2 } });
  expect(world.reports).toContainEqual(expect.objectContaining({ connection: ID, result: 'refreshed' }));
});

it('a login in two steps needs two slots', async () => {
  const step = { method: 'POST', url: 'https://login.test/2', headers: {}, body: '{"password":"right"}' } as const;
  const { world } = await vendorWorld({ provider: limited(3, { exchange: () => step }), refreshed: false });
  const deps = world.worker();
  await world.refresh(ID, deps);
  expect(world.calls).toHaveLength(2);
  await world.edit(ID, { password: 'right', client: 'another' });
  expect(await world.refresh(ID, deps)).toMatchObject({ result: 'postponed', calls: 1 });
});

it('a store that does not take a booking makes no call, and the run backs off', async () => {
  const { world } = await vendorWorld({ provider: limited(1), refreshed: false });
  failAlways(world, 'before', 'limits.write');
  expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 0, error: { code: 'store_failed' } });
  expect((await world.record(ID)).status).toBe('failing');
});

it('after a 429 there is no call before the Retry-After has passed', async () => {
  const { world, vendor } = await vendorWorld({ provider: limited(5) });
  vendor.script.push(() => answer('', 429, { 'retry-after': '20' }));
  expect(await world.refresh(ID)).toMatchObject({ result: 'failed', error: { code: 'rate_limited' } });
  const limit = perMinute(5);
  const { limiter } = world.worker();
  const until = world.clock.now();
  const slot = await limiter.reserve('test-provider', limit, { lane: 'scheduled', until });
  expect(slot).toEqual({ ok: false, retryAt: plus(until, seconds(20)) });
});

it('a call that is refused for the rate limit is made once more, after the pause, and no more', async () => {
  const { world, vendor } = await vendorWorld({ provider: limited(5) });
  vendor.script.push(() => answer('', 429, { 'retry-after': '3' }));
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', calls: 2 });
  expect(world.clock.slept).toEqual([seconds(3)]);
  vendor.script.push(
    () => answer('', 429, { 'retry-after': '1' }),
    () => answer('', 429, { 'retry-after': '1' }),
  );
  world.clock.pass(WINDOW);
  expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 2, error: { code: 'rate_limited' } });
});

it('a slot that lies in a pause is not used', async () => {
  const provider = testProvider({ rateLimit: { calls: 1, per: seconds(2) }, concurrency: 2 });
  const { world, vendor } = await vendorWorld({ provider, refreshed: false });
  await world.add(idOf('waits'), { password: 'right' });
  const at: number[] = [];
  // Answers at once: the other one has its slot by then.
  vendor.script.push(() => answer('', 429, { 'retry-after': '10' }));
  always(world, 'before', 'send', () => at.push(world.clock.now() - START));
  await world.tick('test-provider');
  // The second one had a slot after two seconds.
  expect(at[1]).toBeGreaterThanOrEqual(seconds(10));
});

it('a connection whose call was refused for the rate limit keeps its part of the limit', async () => {
  const { world, vendor } = await vendorWorld({ provider: limited(4) });
  vendor.script.push(() => answer('', 429, { 'retry-after': '60' }));
  expect(await world.refresh(ID)).toMatchObject({ result: 'failed', error: { code: 'rate_limited' } });
  world.clock.pass(WINDOW);
  // The one call of the minority is used while the schedule wants the rest.
  await world.useLimit(perMinute(4), 1);
  expect(await world.refresh(ID, world.worker(), true)).toMatchObject({ result: 'refreshed' });
  world.clock.pass(SURELY_DUE);
  await world.useLimit(perMinute(4), 3);
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
});

it.each([
  ['waits for a limit of a second', seconds(2), 0],
  ['leaves a limit of a minute to the next tick', minutes(1), 8],
])('a tick %s', async (_, per, left) => {
  const provider = testProvider({ rateLimit: { calls: 1, per }, concurrency: 1 });
  const { world } = await vendorWorld({ provider, refreshed: false });
  for (let n = 0; n < 9; n += 1) await world.add(idOf(`more-${n}`), { password: 'right' });
  const { clock } = world;
  const deps = world.worker();
  const reserve: typeof deps.limiter.reserve = async () =>
    clock.now() < plus(START, seconds(10))
      ? { ok: false, retryAt: plus(START, seconds(20)) }
      : { ok: true, at: clock.now() };
  const report = await world.tick('test-provider', { ...deps, limiter: { ...deps.limiter, reserve } });
  expect(report).toMatchObject({ due: 10, left, results: { postponed: 2, refreshed: 8 - left } });
});

it('a failing connection and a call on demand use the minority’s part', async () => {
  const { world, vendor } = await vendorWorld({ provider: limited(4) });
  await world.useLimit(perMinute(4), 1);
  vendor.script.push(() => answer('', 503));
  await world.refresh(ID);
  // One of four belongs to the minority while the schedule uses the limit.
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
  expect(await world.refresh(ID, world.worker(), true)).toMatchObject({ result: 'postponed' });
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
});

it('many connections of one limit never call more often than it allows, and all get their turn', async () => {
  const provider = testProvider({ rateLimit: perMinute(5), concurrency: 4 });
  const { world } = await vendorWorld({ provider, refreshed: false });
  await world.edit('test-provider/many', packed(Array.from({ length: 30 }, (_, n) => `c${n}`)));
  const at: number[] = [];
  always(world, 'before', 'send', () => at.push(world.clock.now()));
  await world.run('test-provider', minutes(10), minutes(1));
  expect(at).toHaveLength(31);
  for (const [n, moment] of at.entries()) {
    expect(moment - (at[n - 5] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(minutes(1));
  }
});
