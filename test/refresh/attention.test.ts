import { describe, expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { failAlways } from '../kit/faults.ts';
import { START } from '../kit/records.ts';
import { answer, ID, lostAnswer, testProvider, type VendorWorld, vendorWorld } from '../kit/vendor.ts';

const DAY = hours(24);
const locking = testProvider({ locksAccounts: true });

const withWrongPassword = async (provider = locking) => {
  const given = await vendorWorld({ provider });
  given.vendor.password = 'changed by somebody';
  await given.world.edit(ID, { password: 'wrong' });
  await given.world.tick(provider.id);
  expect(await given.world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'invalid_grant' } });
  given.vendor.grants.length = 0;
  return { ...given, correct: () => correct(given) };
};
const correct = ({ world, vendor }: VendorWorld) => world.edit(ID, { password: vendor.password });

/** Of the token that was issued first. */
const forced = { kind: 'force', connection: ID, issuedAt: START, waits: false } as const;

it('an operator has the secret tried as it is now, before discovery notes it and whatever a warm function has read', async () => {
  const now = { kind: 'operator', connection: ID, waits: false } as const;
  const { world, vendor } = await vendorWorld();
  const warm = world.worker();
  await world.refresh(ID, warm);
  await world.put(ID, { password: 'wrong' });
  expect(await world.onDemand(now, warm)).toMatchObject({ result: 'attention' });
  await world.put(ID, { password: 'right' });
  vendor.grants.length = 0;
  expect(await world.onDemand(now, warm)).toMatchObject({ result: 'refreshed' });
  expect(vendor.count('password')).toBe(1);
});

describe('if wrong logins lock accounts', () => {
  it('a refused login is the last one until the secret changes, for any request', async () => {
    const { world, vendor, correct } = await withWrongPassword();
    await world.run('test-provider', 30 * DAY, hours(1));
    expect(await world.onDemand(forced)).toMatchObject({ result: 'waiting', reason: 'attention' });
    expect(await world.onDemand({ kind: 'ifNeeded', connection: ID, minTtl: 0, waits: false })).toMatchObject({
      reason: 'attention',
    });
    expect(vendor.grants).toEqual([]);
    await correct();
    await world.tick('test-provider');
    expect(await world.record(ID)).toMatchObject({ status: 'healthy', failures: 0 });
    expect(vendor.grants).toEqual(['password']);
  });

  it.each([
    ['an outage', () => answer('', 503)],
    ['a lost answer', () => lostAnswer],
    ['a limit', () => answer('', 429)],
  ])('a corrected secret survives %s at its first try', async (_, reply) => {
    const { world, vendor, correct } = await withWrongPassword();
    vendor.script.push(reply);
    await correct();
    await world.tick('test-provider');
    expect(await world.record(ID)).toMatchObject({ status: 'failing' });
    await world.run('test-provider', hours(1), minutes(5));
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(vendor.count('password')).toBeLessThanOrEqual(3);
  });

  it('a corrected secret that cannot be read today is tried tomorrow', async () => {
    const { world, vendor, correct } = await withWrongPassword();
    await correct();
    failAlways(world, 'before', 'secrets.get');
    await world.run('test-provider', hours(1), minutes(5));
    expect(vendor.grants).toEqual([]);
    expect(await world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'invalid_grant' } });
    delete world.hooks.before;
    await world.tick('test-provider');
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  });

  it('what looked like another secret and is the refused one is not tried again', async () => {
    const { world, vendor } = await withWrongPassword();
    await world.stores.connections.noteSecret(ID, 'a version that never was' as never);
    await world.run('test-provider', DAY, minutes(5));
    expect(vendor.grants).toEqual([]);
  });

  it('a second wrong secret costs one more login, and no more', async () => {
    const { world, vendor } = await withWrongPassword();
    await world.edit(ID, { password: 'wrong as well' });
    await world.run('test-provider', 7 * DAY, hours(1));
    expect(vendor.grants).toEqual(['password']);
  });
});

describe('if they do not', () => {
  it('a refused login is probed after 1, 2, 4, 8, 16 hours and then once a day, and the provider may change its mind', async () => {
    const { world, vendor } = await withWrongPassword(testProvider());
    const calls = await world.run('test-provider', 7 * DAY, minutes(5));
    expect(calls).toBeGreaterThanOrEqual(9);
    expect(calls).toBeLessThanOrEqual(12);
    vendor.password = 'wrong';
    await world.run('test-provider', DAY + hours(1), minutes(5));
    expect(await world.record(ID)).toMatchObject({ status: 'healthy', failures: 0 });
    expect(await world.record(ID)).not.toHaveProperty('attentionSince');
  });

  it('requests do not make it more frequent', async () => {
    const { world, vendor } = await withWrongPassword(testProvider());
    for (let minute = 0; minute < 59; minute++) {
      world.clock.pass(minutes(1));
      await world.onDemand({ kind: 'ifNeeded', connection: ID, minTtl: hours(1), waits: false });
      await world.onDemand(forced);
    }
    expect(vendor.grants).toEqual([]);
  });
});

it('a wrong secret costs no call, and is read again when it changes', async () => {
  const { world, vendor } = await vendorWorld({ provider: locking, secret: { note: 'nothing' }, refreshed: false });
  await world.run('test-provider', DAY, minutes(5));
  expect(vendor.grants).toEqual([]);
  expect(await world.record(ID)).toMatchObject({
    status: 'attention',
    lastError: { code: 'secret_invalid', fields: ['password'] },
  });
  await correct({ world, vendor });
  await world.tick('test-provider');
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
});

it('an outage of a day costs a bounded number of calls, and the first answer after it heals', async () => {
  const { world, vendor } = await vendorWorld();
  vendor.script.push(...Array.from({ length: 2000 }, () => () => lostAnswer));
  const calls = await world.run('test-provider', DAY, minutes(1));
  expect(calls).toBeLessThan(650);
  expect(await world.record(ID)).toMatchObject({ status: 'failing' });
  vendor.script.length = 0;
  await world.run('test-provider', minutes(6), minutes(1));
  expect(await world.record(ID)).toMatchObject({ status: 'healthy', failures: 0 });
});

it('a connection whose refresh keeps throwing is tried once a lease, and keeps its token and the others’', async () => {
  const provider = testProvider({
    fault: () => {
      throw new Error('a bug in our code');
    },
  });
  const { world } = await vendorWorld({ provider });
  const before = await world.token(ID);
  world.vendor = () => answer('', 500);
  const calls = await world.run('test-provider', hours(1), minutes(1));
  expect(calls).toBeLessThanOrEqual(60);
  expect(world.unclaimed.every(line => line === `${ID} internal_error`)).toBe(true);
  expect(JSON.stringify(world.unclaimed)).not.toContain('bug in our code');
  expect(await world.token(ID)).toEqual(before);
});

it('a worker that remembers an older secret than the refused one takes it for no correction', async () => {
  const { world, vendor } = await vendorWorld();
  const warm = world.worker();
  await world.refresh(ID, warm);
  // No discovery notes the change: the run that is refused is the first to see it.
  vendor.password = 'changed by somebody';
  await world.put(ID, { password: 'wrong' });
  await world.refresh(ID);
  expect(await world.record(ID)).toMatchObject({ status: 'attention' });
  vendor.script.push(() => answer('', 500));
  await world.refresh(ID, warm);
  expect(await world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'invalid_grant' } });
});
