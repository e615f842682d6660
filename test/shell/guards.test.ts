import { describe, expect, it } from 'vitest';
import { minutes, plus, seconds } from '../../lib/core/types.ts';
import type { RefreshReport } from '../../lib/shell/refresh.ts';
import { transitionOf } from '../../lib/shell/transition.ts';
import { START } from '../support/records.ts';
import { answer, ID, lostAnswer, testProvider, vendorWorld } from '../support/vendor.ts';
import { failOnce } from '../support/world.ts';

/** Guards that nothing else would miss: found by taking them away. */

it('who lost a connection and cannot read why takes no token back', async () => {
  const { world } = await vendorWorld();
  const before = await world.token(ID);
  world.hooks.before = async at => {
    if (at !== 'connections.keep') return;
    delete world.hooks.before;
    const leaseUntil = plus(world.clock.now(), minutes(1));
    await world.stores.connections.claim(await world.record(ID), { id: 'other', leaseUntil });
    failOnce(world, 'before', 'connections.get');
  };
  expect(await world.refresh(ID)).toMatchObject({ result: 'lost' });
  expect(await world.token(ID)).toEqual(before);
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

describe('a want of budget', () => {
  const budget = { calls: 1, per: seconds(5) };

  it('of more than a moment is not waited for, although the run had the time', async () => {
    const { world } = await vendorWorld({ provider: testProvider({ budget }) });
    await world.stores.budget.reserve('test-provider', budget, 1, world.clock.now());
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 0 });
    expect(world.clock.slept).toEqual([]);
  });

  it('of a moment is not waited for where the run would be over then', async () => {
    const { world } = await vendorWorld({ provider: testProvider({ budget }) });
    await world.put(ID, { password: 'right', note: 'changed' });
    await world.discover();
    world.hooks.after = async at => {
      if (at !== 'secrets.get') return;
      delete world.hooks.after;
      world.clock.pass(world.policy.runDeadline - seconds(2));
      await world.stores.budget.reserve('test-provider', budget, 1, plus(world.clock.now(), -seconds(3.8)));
    };
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 0 });
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

  it('that is none is not told', () => {
    for (const state of ['healthy', 'failing', 'attention'] as const) {
      expect(transitionOf(report(state, state), START)).toBeUndefined();
    }
    expect(transitionOf(report('new', 'healthy'), START)).toBeUndefined();
  });

  it('that the store did not take is not told, since the next run will make it', () => {
    expect(transitionOf(report('healthy', 'attention'), START)).toMatchObject({ type: 'needs attention' });
    expect(transitionOf(report('healthy', 'attention', { commitFailed: 'settle' }), START)).toBeUndefined();
  });

  it('is told as what it is', () => {
    expect(transitionOf(report('healthy', 'failing'), START)).toMatchObject({ type: 'failing' });
    expect(transitionOf(report('failing', 'healthy'), START)).toMatchObject({ type: 'recovered' });
    expect(transitionOf(report('attention', 'healthy'), START)).toMatchObject({ type: 'recovered' });
  });
});
