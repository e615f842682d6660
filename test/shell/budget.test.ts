import { describe, expect, it } from 'vitest';
import { SPREAD } from '../../lib/aws/budget-window.ts';
import { minutes, plus, seconds } from '../../lib/core/types.ts';
import { answer, ID, testProvider, vendorWorld } from '../support/vendor.ts';

const perMinute = (calls: number, abilities = {}) => testProvider({ budget: { calls, per: minutes(1) } }, abilities);
const key = 'test-provider';

describe('a used-up budget', () => {
  it('postpones a run: no call, no failure, due when there is room', async () => {
    const provider = perMinute(2);
    const { world } = await vendorWorld({ provider });
    const before = await world.record(ID);
    await world.stores.budget.reserve(key, { calls: 2, per: minutes(1) }, 2, world.clock.now());
    const room = plus(world.clock.now(), minutes(1) + SPREAD);
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 0, dueAt: room });
    const { dueAt: _, version: __, ...rest } = before;
    const lastError = { code: 'budget_used', at: world.clock.now(), times: 1 };
    expect(await world.record(ID)).toEqual({ ...rest, dueAt: room, version: before.version + 1, lastError });
    expect(await world.tick(key)).toMatchObject({ due: 0 });
    world.clock.pass(minutes(1) + SPREAD);
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
  });

  it('is waited for where room is a moment away', async () => {
    const provider = testProvider({ budget: { calls: 1, per: seconds(1) } });
    const { world } = await vendorWorld({ provider });
    await world.stores.budget.reserve(key, { calls: 1, per: seconds(1) }, 1, world.clock.now());
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', calls: 1 });
    expect(world.clock.slept).toEqual([1000 + SPREAD]);
  });

  it('does not forget that a session may be spent', async () => {
    const { world, vendor } = await vendorWorld({ provider: perMinute(2) });
    await world.stores.budget.reserve(key, { calls: 2, per: minutes(1) }, 1, world.clock.now());
    vendor.script.push(() => answer('', 500));
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 1 });
    expect(await world.record(ID)).not.toHaveProperty('session');
    world.clock.pass(minutes(1));
    await world.refresh(ID);
    expect(vendor.asked).toEqual(['refresh', 'password']);
  });

  it('of a connection that needs attention leaves it so', async () => {
    const { world, vendor } = await vendorWorld({ provider: perMinute(1), refreshed: false });
    vendor.password = 'other';
    await world.refresh(ID);
    const { attentionSince, lastError } = await world.record(ID);
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', to: 'attention' });
    expect(await world.record(ID)).toMatchObject({ status: 'attention', attentionSince, lastError, failures: 1 });
  });
});

it('a grant of two steps books two calls before the first, so that no code is left unredeemed', async () => {
  const step = { method: 'POST', url: 'https://login.test/2', headers: {}, body: '{"password":"right"}' } as const;
  const provider = perMinute(3, { exchange: () => step });
  const { world } = await vendorWorld({ provider, refreshed: false });
  await world.refresh(ID);
  expect(world.calls).toHaveLength(2);
  // One call of three is left: too few for two steps.
  expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 0 });
  const room = await world.stores.budget.reserve(key, { calls: 3, per: minutes(1) }, 1, world.clock.now());
  expect(room.ok).toBe(true);
});

it.each([
  ['store that fails', 1, true],
  ['cost that never fits', 1, false],
])('a budget with a %s makes no call and backs off', async (_, calls, broken) => {
  const exchange = () => ({ method: 'POST', url: 'https://login.test/2', headers: {} }) as const;
  const { world } = await vendorWorld({ provider: perMinute(calls, broken ? {} : { exchange }), refreshed: false });
  if (broken) {
    world.hooks.before = async operation => {
      if (operation === 'budget.reserve') throw new Error('no budget today');
    };
  }
  expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 0, error: { code: 'store_failed' } });
  expect((await world.record(ID)).status).toBe('failing');
});

it('many connections of one budget never ask more often than it has, and all get their turn', async () => {
  const provider = testProvider({ budget: { calls: 5, per: minutes(1) }, concurrency: 4 });
  const { world } = await vendorWorld({ provider, refreshed: false });
  await world.put('test-provider/many', {
    password: 'right',
    connections: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`c${n}`, {}])),
  });
  await world.discover();
  const at: number[] = [];
  const handle = world.vendor;
  world.vendor = request => {
    at.push(world.clock.now());
    return handle(request);
  };
  await world.run(key, minutes(10), minutes(1));
  expect(at).toHaveLength(31);
  for (const [n, moment] of at.entries()) {
    expect(moment - (at[n - 5] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(minutes(1));
  }
});
