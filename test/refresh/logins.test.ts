import { describe, expect, it } from 'vitest';
import { jsonObject } from '../../lib/core/json.ts';
import { hours, minutes } from '../../lib/core/types.ts';
import { crashAt, failAlways } from '../kit/faults.ts';
import { idOf } from '../kit/records.ts';
import { answer, testProvider, vendorWorld } from '../kit/vendor.ts';

/** All connections of these tests use one login. */
const locking = testProvider({ locksAccounts: true, concurrency: 4 });
const packed = async (passwords: readonly string[]) => {
  const given = await vendorWorld({ provider: locking, refreshed: false });
  const { world, vendor } = given;
  const write = (own: readonly object[]) =>
    world.edit('test-provider/many', { connections: Object.fromEntries(own.map((each, n) => [`c${n}`, each])) });
  await world.tick(locking.id);
  vendor.grants.length = 0;
  await write(passwords.map(password => ({ password })));
  return {
    ...{ world, vendor, write },
    /** The passwords that were sent and contain this. */
    sent: (text: string) =>
      world.calls.map(({ body }) => String(jsonObject(body ?? '')?.password)).filter(each => each.includes(text)),
  };
};
const wrong = (count: number) => Array.from({ length: count }, () => 'wrong');
const right = (count: number) => Array.from({ length: count }, () => ({ password: 'right' }));
const key = (n: number) => idOf(`many/c${n}`);

describe('a wrong password', () => {
  it('of many connections is tried once in all', async () => {
    const { world, sent } = await packed(wrong(20));
    await Promise.all([world.tick(locking.id), world.tick(locking.id, world.worker())]);
    await world.run(locking.id, hours(72), minutes(5));
    expect(sent('wrong')).toHaveLength(1);
    for (const n of [0, 19]) {
      expect(await world.record(key(n))).toMatchObject({ status: 'attention', lastError: { code: 'invalid_grant' } });
    }
  });

  it('that is corrected in all of them brings all of them back', async () => {
    const { world, write } = await packed(wrong(5));
    await world.run(locking.id, minutes(10), minutes(1));
    await write(right(5));
    await world.run(locking.id, minutes(5), minutes(1));
    for (let n = 0; n < 5; n += 1) expect(await world.record(key(n))).toMatchObject({ status: 'healthy' });
  });

  it('is not tried again when others are added to its secret, which work', async () => {
    const { world, write, sent } = await packed(['wrong']);
    await world.tick(locking.id);
    for (let edit = 1; edit <= 5; edit += 1) {
      await write([{ password: 'wrong' }, ...right(edit)]);
      await world.tick(locking.id);
      expect(await world.record(key(edit))).toMatchObject({ status: 'healthy' });
    }
    expect(sent('wrong')).toHaveLength(1);
  });

  it('is tried again, by any connection, if an operator insists, who is warned', async () => {
    const { world, write, sent } = await packed(['wrong']);
    await world.tick(locking.id);
    const force = (n: number) => world.onDemand({ kind: 'operator', connection: key(n), waits: false });
    expect(await force(0)).toMatchObject({ result: 'attention', warning: 'may_lock_account' });
    expect(sent('wrong')).toHaveLength(2);
    await write([...wrong(2), 'right'].map(password => ({ password })));
    expect(await force(1)).toMatchObject({ result: 'attention', warning: 'may_lock_account' });
    expect(await force(2)).not.toHaveProperty('warning');
  });

  it('is noted although the worker that tried it crashed, once its lease has ended', async () => {
    const { world, sent } = await packed(wrong(3));
    await crashAt(world, 'before', 'logins.giveBack', () => world.tick(locking.id));
    await world.run(locking.id, hours(24), minutes(1));
    expect(sent('wrong').length).toBeLessThanOrEqual(2);
  });
});

it('adding one to a hundred connections of a secret costs one login', async () => {
  const { world, vendor, write } = await packed(Array.from({ length: 100 }, () => 'right'));
  await world.run(locking.id, minutes(20), minutes(1));
  expect(vendor.count('password')).toBe(100);
  vendor.grants.length = 0;
  await write(right(101));
  await world.run(locking.id, minutes(5), minutes(1));
  expect(vendor.count('password')).toBe(1);
  expect(world.reports.filter(({ result }) => result === 'unchanged').length).toBeGreaterThanOrEqual(100);
});

it('one bad key of a secret, or two that are not neighbours, do not stop the others', async () => {
  const { world, vendor, write } = await packed([]);
  // As an organisation that is not there is answered.
  world.vendor = request =>
    jsonObject(request.body ?? '')?.password === 'right' && request.headers['x-client'] === 'bad'
      ? answer({ error: 'invalid_grant' }, 401)
      : vendor.handle(request);
  await write(
    Array.from({ length: 12 }, (_, n) => ({ password: 'right', ...([4, 8].includes(n) && { client: 'bad' }) })),
  );
  await world.run(locking.id, minutes(10), minutes(1));
  for (let n = 0; n < 12; n += 1) {
    expect(await world.record(key(n))).toMatchObject({ status: n === 4 || n === 8 ? 'attention' : 'healthy' });
  }
  await write(right(12));
  await world.run(locking.id, minutes(5), minutes(1));
  for (const n of [4, 8]) expect(await world.record(key(n))).toMatchObject({ status: 'healthy' });
});

describe.each([
  ['named', () => answer({ error: 'invalid_grant' }, 401)],
  ['unnamed', () => answer('', 401)],
])('a password that was changed at the provider (%s) is tried at most twice', (_, reply) => {
  it.each([
    ['keys are added', 1, ''],
    ['all of them are edited', 30, ' edited'],
  ])('though %s', async (__, before, edited) => {
    const { world, vendor, write } = await packed([]);
    const keys = (count: number, how: string) =>
      write(Array.from({ length: count }, (___, n) => ({ password: 'right', client: `${n}${how}` })));
    await keys(before, '');
    await world.run(locking.id, minutes(5), minutes(1));
    let tried = 0;
    world.vendor = request => {
      if (!request.body?.includes('right')) return vendor.handle(request);
      tried += 1;
      return reply();
    };
    await keys(30, edited);
    await world.run(locking.id, minutes(40), minutes(1));
    expect(tried).toBe(2);
  });
});

it('a wrong password does not come again at once if the store takes no outcomes', async () => {
  const { world, sent } = await packed(wrong(8));
  failAlways(world, 'before', 'logins.giveBack');
  await world.run(locking.id, hours(24), minutes(1));
  expect(sent('wrong').length).toBeLessThanOrEqual(4);
});

it('a password that worked before it was changed at the provider does not come again at once, either', async () => {
  const { world, vendor, write, sent } = await packed([]);
  vendor.password = 'changed';
  failAlways(world, 'before', 'logins.giveBack');
  world.calls.length = 0;
  await write(Array.from({ length: 8 }, (_, n) => ({ password: 'right', client: `${n}` })));
  await world.run(locking.id, hours(24), minutes(1));
  expect(sent('right').length).toBeLessThanOrEqual(4);
});

it('a wrong password is remembered as long as a connection has it', async () => {
  const { world, write, sent } = await packed(['wrong']);
  await world.run(locking.id, hours(8 * 24), minutes(30));
  await write([{ password: 'wrong' }, { password: 'also wrong' }]);
  await world.run(locking.id, hours(3 * 24), minutes(30));
  expect(sent('wrong')).toEqual(['wrong', 'also wrong']);
});

it('no login is sent that could not be noted', async () => {
  const { world, vendor } = await packed(['right']);
  failAlways(world, 'before', 'logins.note');
  await world.run(locking.id, minutes(10), minutes(1));
  expect(vendor.grants).toEqual([]);
  expect(await world.record(key(0))).toMatchObject({ status: 'failing', lastError: { code: 'store_failed' } });
});

it('a login that is rejected without a word is tried minutes later, and then ever more rarely', async () => {
  const { world, vendor } = await packed(['right']);
  vendor.script.push(...Array.from({ length: 999 }, () => () => answer('<html>', 403)));
  await world.run(locking.id, minutes(10), minutes(1));
  expect(vendor.count('password')).toBe(2);
  expect(await world.record(key(0))).toMatchObject({ status: 'attention', lastError: { code: 'access_refused' } });
  await world.run(locking.id, hours(24), minutes(5));
  expect(vendor.count('password')).toBe(4);
});
