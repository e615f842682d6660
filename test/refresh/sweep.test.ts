import { describe, expect, it } from 'vitest';
import type { Policy } from '../../lib/core/policy.ts';
import { windowOf } from '../../lib/core/rate-limit.ts';
import { GRACE } from '../../lib/core/retirement.ts';
import {
  type Connection,
  hours,
  minutes,
  plus,
  seconds,
  secretOf,
  secretVersion,
  version,
} from '../../lib/core/types.ts';
import { pool } from '../../lib/pool.ts';
import { always, failAlways, failOnce, mostCallsAtOnce } from '../kit/faults.ts';
import { connectionOf, idOf, START, sessionOf } from '../kit/records.ts';
import { testProvider, Vendor } from '../kit/vendor.ts';
import { PREFIX, World } from '../kit/world.ts';

const provider = testProvider({ concurrency: 3 });

/** Connections as they are given; those called `<secret>/<key>` share a secret. */
const fleet = async (
  records: Readonly<Record<string, Partial<Connection>>>,
  by = provider,
  policy: Partial<Policy> = {},
) => {
  let vendor: Vendor | undefined;
  const world = new World([by], request => (vendor as Vendor).handle(request), { policy });
  vendor = new Vendor(world.clock.now);
  const keys = Object.keys(records).map(name => name.split('/')[1] ?? name);
  const connections = Object.fromEntries(keys.map(key => [key, {}]));
  for (const [name, change] of Object.entries(records)) {
    const id = idOf(name);
    const secret = { password: 'right', ...(name.includes('/') && { connections }) };
    await world.stores.secrets.put(`token-refresher/${secretOf(id)}`, JSON.stringify(secret));
    await world.stores.connections.add(connectionOf(id, { usedVersion: secretVersion('secret-version-1'), ...change }));
  }
  return { world, vendor };
};
/** So many connections that are alike. */
const many = (count: number, change: Partial<Connection> = {}) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`c${n}`, change]));
const later = { status: 'healthy', dueAt: plus(START, 1), issuedAt: START, expiresAt: plus(START, hours(1)) } as const;
const refreshed = (world: World) => world.reports.map(({ connection }) => connection.split('/')[1]);

describe('a tick', () => {
  it('refreshes what is due and leaves alone what is not', async () => {
    const { world } = await fleet({
      due: {},
      later,
      leased: { leaseUntil: plus(START, 1) },
      retired: { retiredAt: START },
      waiting: { ...later, status: 'attention', failures: 1 },
    });
    const report = await world.tick(provider.id);
    expect(refreshed(world)).toEqual(['due']);
    expect(report).toMatchObject({ connections: 4, due: 1, left: 0, calls: 1, results: { refreshed: 1, lost: 0 } });
    expect(world.sweeps).toEqual([report]);
  });

  it('waits for what is due before the next one, if the provider renews tokens in their last seconds only', async () => {
    const at = (after: number) => ({ ...later, dueAt: plus(START, after) });
    const soon = { second: at(seconds(40)), first: at(seconds(20)), next: at(minutes(1)) };
    const { world } = await fleet(soon, provider, { tick: minutes(1), renewWithin: seconds(30) });
    await world.tick(provider.id);
    expect(world.reports.map(({ connection, result }) => [connection.split('/')[1], result])).toEqual([
      ['first', 'refreshed'],
      ['second', 'refreshed'],
    ]);
    expect(world.clock.now()).toBeGreaterThanOrEqual(plus(START, seconds(40)));
    const { world: wide } = await fleet(soon, provider, { tick: minutes(1), renewWithin: minutes(3) });
    await wide.tick(provider.id);
    expect(refreshed(wide)).toEqual([]);
  });

  it('begins with the token that expires first; one that never had one waits for those that are close to their expiry', async () => {
    const dies = (after: number) => ({ ...later, dueAt: START, expiresAt: plus(START, after) });
    const { world } = await fleet(
      { c: dies(minutes(30)), b: dies(minutes(2)), dead: dies(-minutes(5)), d: dies(minutes(50)), none: {} },
      testProvider({ concurrency: 1 }),
    );
    await world.tick(provider.id);
    expect(refreshed(world)).toEqual(['dead', 'b', 'none', 'c', 'd']);
  });

  it('makes as many calls at a time as the provider’s concurrency', async () => {
    const { world } = await fleet(many(9, { base: 'https://login.test' }));
    const most = mostCallsAtOnce(world);
    await world.tick(provider.id);
    // Each secret has its own share; together they are three times as many.
    expect(most()).toBe(9);
  });

  it.each([
    ['on another host', 'https://slow.example'],
    ['that never had a token', undefined],
  ])('leaves half of the workers to the provider’s own hosts, and to those %s the other half', async (_, base) => {
    const elsewhere = { ...later, dueAt: START, ...(base !== undefined && { base }) };
    const { world } = await fleet(many(12, elsewhere), testProvider({ concurrency: 2 }));
    const most = mostCallsAtOnce(world);
    expect(await world.tick(provider.id)).toMatchObject({ results: { refreshed: 12 } });
    // Half of the six: more of them would be in progress otherwise.
    expect(most()).toBe(3);
  });

  it('leaves half of the places for ends to the provider’s own hosts', async () => {
    const revoke = (_: string, token: string) =>
      ({ method: 'POST', url: 'https://slow.example', headers: {}, body: token }) as const;
    const gone = { ...later, dueAt: START, retiredAt: plus(START, -GRACE), base: 'https://slow.example' };
    const slow = many(6, gone);
    const { world } = await fleet(slow, testProvider({ concurrency: 4, revoke }));
    for (const id of Object.keys(slow).map(name => idOf(name))) {
      await world.stores.secrets.erase(`${PREFIX}${id}`);
      await world.stores.sessions.keep(id, version(0), sessionOf());
    }
    const most = mostCallsAtOnce(world);
    await world.tick(provider.id);
    expect(world.retired).toHaveLength(6);
    expect(most()).toBe(2);
  });

  it('begins nothing that it may not be able to end', async () => {
    const all = { 'one/a': {}, 'one/b': {}, 'one/c': {}, 'one/d': {} };
    const { world } = await fleet(all, testProvider({ concurrency: 1 }));
    always(world, 'after', 'send', () => world.clock.pass(seconds(10)));
    const report = await world.tick(provider.id, world.worker(), plus(START, world.policy.lease + seconds(15)));
    expect(report).toMatchObject({ due: 4, left: 2, results: { refreshed: 2 } });
    expect(world.outOfTime).toEqual([2]);
    expect(report.took).toBe(seconds(20));
  });

  it('ends what is retired, although it has no time for all that is due', async () => {
    const gone = { retiredAt: START, dueAt: START };
    const { world } = await fleet({ 'one/a': {}, 'one/b': {}, 'one/c': {}, gone }, testProvider({ concurrency: 1 }));
    await world.stores.secrets.erase(`${PREFIX}${idOf('gone')}`);
    always(world, 'after', 'send', () => world.clock.pass(seconds(30)));
    const report = await world.tick(provider.id, world.worker(), plus(START, world.policy.lease + seconds(15)));
    expect(report).toMatchObject({ due: 3, left: 2 });
    expect((await world.record(idOf('gone'))).endedAt).toBeDefined();
  });

  it('leaves the rest for the next one when the rate limit is used up', async () => {
    const rateLimit = { calls: 2, per: minutes(1) };
    const { world } = await fleet({ a: {}, b: {}, c: {}, d: {}, e: {} }, testProvider({ concurrency: 1, rateLimit }));
    const first = await world.tick(provider.id);
    expect(first).toMatchObject({ due: 5, results: { refreshed: 2 } });
    expect(first.left + first.results.postponed).toBe(3);
    world.clock.pass(windowOf(rateLimit));
    expect(await world.tick(provider.id)).toMatchObject({ due: 3, results: { refreshed: 2 } });
  });

  it('continues if one connection fails', async () => {
    const { world, vendor } = await fleet({ a: {}, b: {}, c: {} });
    vendor.script.push(() => {
      throw new Error('a bug in our code');
    });
    failOnce(world, 'before', 'connections.claim');
    const report = await world.tick(provider.id);
    expect(report).toMatchObject({ claimsFailed: 1, results: { refreshed: 1, failed: 1 } });
    expect(world.unclaimed).toHaveLength(1);
  });

  it('counts what the store did not take', async () => {
    const { world } = await fleet({ a: {}, b: {} });
    failAlways(world, 'before', 'connections.settle');
    expect(await world.tick(provider.id)).toMatchObject({ commitsFailed: 2, results: { refreshed: 2 } });
  });

  it('of two workers at once makes one call for each connection', async () => {
    const { world } = await fleet(many(12));
    const both = await Promise.all([world.tick(provider.id), world.tick(provider.id)]);
    expect(world.calls).toHaveLength(12);
    expect(both[0].results.refreshed + both[1].results.refreshed).toBe(12);
    expect(both[0].results.lost + both[1].results.lost).toBe(12);
  });

  it('of nothing is a report of nothing', async () => {
    const { world } = await fleet({});
    expect(await world.tick(provider.id)).toMatchObject({ connections: 0, due: 0, left: 0 });
  });

  it('says the same few numbers of a thousand connections as of one', async () => {
    const { world } = await fleet({ a: {} });
    const { world: large } = await fleet(many(1000));
    const paths = (value: unknown, path = ''): string[] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([name, inner]) => paths(inner, `${path}.${name}`))
        : [path];
    const [small, big] = [await world.tick(provider.id), await large.tick(provider.id)];
    expect(paths(big)).toEqual(paths(small));
    expect(JSON.stringify(big)).not.toContain('c999');
  });
});

describe('a pool', () => {
  it('begins in order, as long as it may, and says how many', async () => {
    const begun: number[] = [];
    const work = async (n: number) => void begun.push(n);
    expect(await pool([1, 2, 3, 4], 2, work, () => begun.length < 3)).toBe(3);
    expect(begun).toEqual([1, 2, 3]);
    expect(await pool([], 5, work)).toBe(0);
  });
});
