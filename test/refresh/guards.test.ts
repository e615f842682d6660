import { describe, expect, it } from 'vitest';
import { minutes, plus, seconds } from '../../lib/core/types.ts';
import { transitionsOf } from '../../lib/events.ts';
import type { RefreshReport } from '../../lib/refresh/report.ts';
import { START } from '../support/records.ts';
import { answer, ID, lostAnswer, testProvider, vendorWorld } from '../support/vendor.ts';
import { failOnce } from '../support/world.ts';

/** Guards that nothing else would miss: found by taking them away. */

it('a worker that lost its connection and cannot read why leaves the token alone', async () => {
  const { world } = await vendorWorld();
  world.hooks.before = async at => {
    if (at !== 'connections.settle') return;
    delete world.hooks.before;
    const leaseUntil = plus(world.clock.now(), minutes(1));
    await world.stores.connections.claim(await world.record(ID), { id: 'other', leaseUntil });
    failOnce(world, 'before', 'connections.get');
  };
  expect(await world.refresh(ID)).toMatchObject({ result: 'lost' });
  expect(await world.token(ID)).toMatchObject({ accessToken: 'access-2' });
});

it('publications that fail one after the other are counted', async () => {
  const { world } = await vendorWorld();
  for (const failures of [1, 2]) {
    failOnce(world, 'before', 'tokens.publish');
    await world.refresh(ID);
    expect(await world.record(ID)).toMatchObject({ status: 'failing', failures });
  }
});

it('a session that was refused before a code was tried in vain is not tried again', async () => {
  const { world, vendor } = await vendorWorld({ secret: { code: 'good-1' }, provider: testProvider() });
  // A new code, whose predecessor's session is refused, and whose own answer is lost.
  await world.put(ID, { code: 'good-2' });
  await world.discover();
  vendor.script.push(() => lostAnswer);
  await world.refresh(ID);
  vendor.script.push(
    () => answer({ error: 'invalid_grant' }, 400),
    () => lostAnswer,
  );
  await world.refresh(ID);
  expect(await world.record(ID)).not.toHaveProperty('session');
});

describe('a rate limit', () => {
  const rateLimit = { calls: 1, per: seconds(16) };

  it('is not waited for longer than a lease allows', async () => {
    const { world } = await vendorWorld({ provider: testProvider({ rateLimit }) });
    await world.useLimit(rateLimit, 1);
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 0 });
    expect(world.clock.slept).toEqual([]);
  });

  it('that a run waited for leaves it its whole time for the call', async () => {
    const { world } = await vendorWorld({ provider: testProvider({ rateLimit: { calls: 1, per: seconds(4) } }) });
    await world.useLimit({ calls: 1, per: seconds(4) }, 1);
    const deadlines: number[] = [];
    const deps = world.worker();
    world.hooks.after = async at => {
      if (at === 'secrets.get') world.clock.pass(seconds(0.5));
    };
    const send: typeof deps.send = (request, deadline) => {
      deadlines.push(deadline);
      return deps.send(request, deadline);
    };
    expect(await world.refresh(ID, { ...deps, send })).toMatchObject({ result: 'refreshed' });
    expect(world.clock.slept[0]).toBeGreaterThan(3000);
    expect(deadlines).toEqual([world.policy.callDeadline]);
  });
});

describe('a change of state', () => {
  const report = (from: RefreshReport['from'], to: RefreshReport['to'], more: Partial<RefreshReport> = {}) => ({
    connection: ID,
    result: 'failed' as const,
    from,
    to,
    calls: 1,
    took: 5,
    warnings: [],
    ...more,
  });

  it('to the same state is not reported', () => {
    for (const state of ['healthy', 'failing', 'attention'] as const) {
      expect(transitionsOf(report(state, state), START)).toEqual([]);
    }
    expect(transitionsOf(report('new', 'new'), START)).toEqual([]);
  });

  it('of a new connection is reported once it has its first token', () => {
    expect(transitionsOf(report('new', 'healthy'), START)).toMatchObject([{ type: 'connected' }]);
  });

  it('that the store did not accept is not reported, since the next run will make it', () => {
    expect(transitionsOf(report('healthy', 'attention'), START)).toMatchObject([{ type: 'needs attention' }]);
    expect(transitionsOf(report('healthy', 'attention', { commitFailed: 'settle' }), START)).toEqual([]);
  });

  it('is reported with its class', () => {
    expect(transitionsOf(report('healthy', 'failing'), START)).toMatchObject([{ type: 'failing' }]);
    expect(transitionsOf(report('failing', 'healthy'), START)).toMatchObject([{ type: 'recovered' }]);
    expect(transitionsOf(report('attention', 'healthy'), START)).toMatchObject([{ type: 'recovered' }]);
  });
});
