import { describe, expect, it } from 'vitest';
import { RETIRED_FOR } from '../../lib/core/retirement.ts';
import { hours, minutes, plus, seconds } from '../../lib/core/types.ts';
import { refreshConnection } from '../../lib/refresh/refresh.ts';
import { expectGone } from '../kit/ending.ts';
import { always, failAlways, failOnce, once } from '../kit/faults.ts';
import { nth } from '../kit/records.ts';
import { answer, ID, lostAnswer, vendorWorld } from '../kit/vendor.ts';

const writes = (log: readonly string[]) => log.filter(each => /claim|send|keep|publish|settle|withdraw/.test(each));

describe('the order of one refresh', () => {
  const order = ['connections.claim', 'send', 'sessions.keep', 'tokens.publish', 'connections.settle'];

  it('is claim, grant, keep, publish, settle', async () => {
    const { world, vendor } = await vendorWorld();
    const report = await world.refresh(ID);
    expect(report).toMatchObject({ result: 'refreshed', calls: 1, version: nth(2) });
    expect(vendor.grants).toEqual(['refresh']);
    expect(writes(world.log)).toEqual(order);
  });

  it('notes that there is no session any more if there was one', async () => {
    const { world, vendor } = await vendorWorld();
    vendor.script.push(() => answer({ access_token: 'alone', expires_in: 600 }));
    await world.edit(ID, { password: 'right' });
    await world.refresh(ID);
    expect(writes(world.log).slice(-5)).toEqual(order);
    expect(await world.refreshToken(ID)).toBeUndefined();
    expect(await world.record(ID)).not.toHaveProperty('session');
  });

  it('makes no call if the claim fails', async () => {
    const { world } = await vendorWorld();
    const seen = await world.record(ID);
    await world.refresh(ID);
    world.log.length = 0;
    const report = await refreshConnection(world.worker(), world.providerOf(ID), seen, 'scheduled');
    expect(report).toMatchObject({ result: 'lost', calls: 0 });
    expect(world.log).toEqual(['connections.claim']);
  });

  it('makes no call if the store fails to claim, and reports it', async () => {
    const { world } = await vendorWorld();
    failAlways(world, 'before', 'connections.claim');
    await expect(world.refresh(ID)).rejects.toThrow('the store fails');
    expect(world.calls).toEqual([]);
  });

  it('lets one of many workers call if all saw the same version', async () => {
    const { world } = await vendorWorld();
    const seen = await world.record(ID);
    const runs = Array.from({ length: 20 }, () =>
      refreshConnection(world.worker(), world.providerOf(ID), seen, 'scheduled'),
    );
    const results = (await Promise.all(runs)).map(({ result }) => result);
    expect(results.filter(result => result === 'refreshed')).toHaveLength(1);
    expect(results.filter(result => result === 'lost')).toHaveLength(19);
    expect(world.calls).toHaveLength(1);
  });
});

describe('what a run publishes', () => {
  it('is one grant, whole, with the version of its claim and the clock before the request', async () => {
    const { world } = await vendorWorld();
    const before = world.clock.now();
    always(world, 'after', 'send', () => world.clock.pass(seconds(5)));
    await world.refresh(ID);
    expect(await world.token(ID)).toEqual({
      connection: ID,
      accessToken: 'access-2',
      tokenType: 'Bearer',
      issuedAt: before,
      expiresAt: plus(before, hours(1)),
      headers: { authorization: 'Bearer access-2' },
      baseUrl: 'https://api.test',
      version: nth(2),
    });
    expect(await world.record(ID)).toMatchObject({
      issuedAt: before,
      expiresAt: plus(before, hours(1)),
      version: nth(2),
    });
  });

  it('never holds a refresh token', async () => {
    const { world } = await vendorWorld();
    await world.refresh(ID);
    expect(JSON.stringify(await world.token(ID))).not.toContain('refresh-');
    expect(JSON.stringify(world.reports)).not.toMatch(/refresh-\d|access-\d/);
  });
});

describe('a zombie', () => {
  /** A worker that sleeps after one of its operations, while another takes over and finishes. */
  const overtaken = async (operation: string, where: 'before' | 'after' = 'before') => {
    const { world, vendor } = await vendorWorld();
    let left: unknown;
    const now = async () => ({ token: await world.token(ID), record: await world.record(ID) });
    once(world, where, operation, async () => {
      world.clock.pass(minutes(2));
      const other = await world.refresh(ID);
      expect(other.result).toBe('refreshed');
      left = await now();
    });
    const zombie = await world.refresh(ID);
    expect(await now()).toEqual(left);
    return { world, vendor, zombie };
  };

  it.each([
    ['before it asks', 'send', 'before'],
    ['with an answer in its hand', 'send', 'after'],
    ['before it keeps the session', 'sessions.keep', 'before'],
    ['before it publishes', 'tokens.publish', 'before'],
    ['before it settles', 'connections.settle', 'before'],
  ] as const)('that wakes up %s undoes nothing of the worker after it', async (_, operation, where) => {
    const { world, vendor, zombie } = await overtaken(operation, where);
    expect(zombie).toMatchObject({ result: 'lost', version: nth(2) });
    const [token, record] = [await world.token(ID), await world.record(ID)];
    expect(token.version).toBe(nth(3));
    expect(record).toMatchObject({ version: nth(3), status: 'healthy', failures: 0 });
    expect(record.expiresAt).toBe(token.expiresAt);
    expect(record.leaseUntil).toBeUndefined();
    // And the session is the one that belongs to the newer worker: it can still be used.
    world.clock.pass(minutes(30));
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    expect(vendor.reused).toBe(0);
  });

  it('settles nothing if a newer token than its own is published, and another has the connection', async () => {
    const { world } = await vendorWorld();
    const newer = { ...(await world.token(ID)), version: nth(9), accessToken: 'newer' };
    once(world, 'before', 'tokens.publish', async () => {
      await world.stores.tokens.publish(newer);
      await world.stores.connections.claim(await world.record(ID), { id: 'another', leaseUntil: world.clock.now() });
    });
    expect(await world.refresh(ID)).toMatchObject({ result: 'lost' });
    expect(await world.token(ID)).toEqual(newer);
    expect(world.log).not.toContain('connections.settle');
  });

  it('that cannot read why it lost its connection leaves the token alone', async () => {
    const { world } = await vendorWorld();
    once(world, 'before', 'connections.settle', async () => {
      const leaseUntil = plus(world.clock.now(), minutes(1));
      await world.stores.connections.claim(await world.record(ID), { id: 'other', leaseUntil });
      failOnce(world, 'before', 'connections.get');
    });
    expect(await world.refresh(ID)).toMatchObject({ result: 'lost' });
    expect(await world.token(ID)).toMatchObject({ accessToken: 'access-2' });
  });

  it('that was refused meanwhile gives no verdict', async () => {
    const { world, vendor } = await vendorWorld();
    vendor.script.push(undefined, () => answer({ error: 'invalid_grant' }, 401));
    await world.edit(ID, { password: 'right' });
    once(world, 'before', 'secrets.get', async () => {
      world.clock.pass(minutes(2));
      await world.refresh(ID);
    });
    expect(await world.refresh(ID)).toMatchObject({ result: 'lost' });
    expect(await world.record(ID)).toMatchObject({ status: 'healthy', failures: 0, version: nth(3) });
  });

  const withoutRecord = async (slept: number) => {
    const { world } = await vendorWorld();
    once(world, 'before', 'connections.settle', async () => {
      await world.stores.connections.retire(ID, world.clock.now());
      await world.stores.connections.remove(ID, (await world.record(ID)).version);
      world.clock.pass(slept);
    });
    expect(await world.refresh(ID)).toMatchObject({ result: 'retired' });
    expect(await world.stores.connections.get(ID)).toBeUndefined();
    return world;
  };

  it('of a removed connection takes back what it brought, and brings no record to life', async () => {
    const world = await withoutRecord(RETIRED_FOR);
    await expectGone(world, ID);
  });

  it('of a record that was deleted by hand leaves token and session to the one that takes its place', async () => {
    const world = await withoutRecord(RETIRED_FOR - 1);
    expect(await world.token(ID)).toMatchObject({ version: nth(2) });
    expect(await world.refreshToken(ID)).toBe('refresh-2');
  });
});

it.each([
  ['no answer', lostAnswer, 'failed'],
  ['an outage', answer('', 503), 'failed'],
  ['a refusal', answer({ error: 'invalid_grant' }, 401), 'attention'],
  ['nonsense', answer('<html>'), 'failed'],
  ['a redirect', answer('', 302), 'failed'],
])('%s leaves the published token as it was', async (_, reply, result) => {
  const { world, vendor } = await vendorWorld();
  const before = await world.token(ID);
  const { issuedAt, expiresAt } = before;
  vendor.script.push(...Array.from({ length: 3 }, () => () => reply));
  expect(await world.refresh(ID)).toMatchObject({ result });
  expect(await world.token(ID)).toEqual(before);
  expect(await world.record(ID)).toMatchObject({ issuedAt, expiresAt, failures: 1 });
});
