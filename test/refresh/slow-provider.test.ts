import { describe, expect, it } from 'vitest';
import type { Provider } from '../../lib/core/provider.ts';
import { type Milliseconds, minutes, seconds } from '../../lib/core/types.ts';
import { always } from '../kit/faults.ts';
import { ID, lostAnswer, refusedGrant, testProvider, vendorWorld } from '../kit/vendor.ts';

/** A provider that answers after `latency`, to who still waits. */
const slowWorld = async (latency: Milliseconds, change: Partial<Provider>) => {
  const { world, vendor } = await vendorWorld({ provider: testProvider(change), refreshed: false });
  const deps = world.worker();
  const send: typeof deps.send = async (request, deadline) => {
    world.clock.pass(Math.min(latency, deadline));
    const reply = await deps.send(request, deadline);
    return latency > deadline ? lostAnswer : reply;
  };
  return { world, vendor, refresh: () => world.refresh(ID, { ...deps, send }) };
};

describe('a provider that always takes 9 s', () => {
  it('times out if its definition has no deadline', async () => {
    const { world, refresh } = await slowWorld(seconds(9), {});
    expect(await refresh()).toMatchObject({ result: 'failed', error: { code: 'timeout' } });
    expect(world.deadlines).toEqual([seconds(8)]);
  });

  it('works if its definition asks for 12 s: login, refresh grant, and the login after a refused session', async () => {
    const { world, vendor, refresh } = await slowWorld(seconds(9), { callDeadline: seconds(12) });
    expect(await refresh()).toMatchObject({ result: 'refreshed', calls: 1 });
    world.clock.pass(minutes(30));
    expect(await refresh()).toMatchObject({ result: 'refreshed', calls: 1 });
    world.clock.pass(minutes(30));
    vendor.script.push(refusedGrant);
    expect(await refresh()).toMatchObject({ result: 'refreshed', calls: 2 });
    expect(vendor.grants).toEqual(['password', 'refresh', 'refresh', 'password']);
  });
});

it('the longest deadline leaves time for the commit within the lease', async () => {
  const slowest = seconds(16.5);
  const { world, vendor, refresh } = await slowWorld(slowest, { callDeadline: slowest });
  await refresh();
  world.clock.pass(minutes(30));
  vendor.script.push(refusedGrant);
  // Reading takes its time, too.
  always(world, 'after', 'connections.claim', () => world.clock.pass(seconds(4)));
  const began = world.clock.now();
  expect(await refresh()).toMatchObject({ result: 'refreshed', calls: 2 });
  expect(world.deadlines).toEqual([slowest, slowest, slowest]);
  expect(world.clock.now() - began).toBeLessThanOrEqual(world.policy.lease - world.policy.commit);
});

it('a run waits for a slot of a rate limit no longer than the lease of a slow provider allows', async () => {
  const rateLimit = { calls: 1, per: seconds(8) };
  const { world, refresh } = await slowWorld(seconds(9), { rateLimit, callDeadline: seconds(15) });
  await world.useLimit(rateLimit, 1);
  expect(await refresh()).toMatchObject({ result: 'postponed', calls: 0 });
  expect(world.clock.slept).toEqual([]);
});
