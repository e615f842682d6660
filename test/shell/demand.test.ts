import { describe, expect, it } from 'vitest';
import { hours, minutes, plus, seconds } from '../../lib/core/types.ts';
import { idOf } from '../support/records.ts';
import { answer, ID, testProvider, vendorWorld } from '../support/vendor.ts';
import { dieAt } from '../support/world.ts';

const forced = { kind: 'forced', connection: ID } as const;
const read = (minTtl: number) => ({ kind: 'read', connection: ID, minTtl }) as const;

describe('a reader', () => {
  it('gets what there is without a call where it has enough life', async () => {
    const { world } = await vendorWorld();
    await world.refresh(ID);
    expect(await world.ask(read(minutes(50)))).toEqual({ result: 'waiting', reason: 'fresh' });
    expect(world.calls).toHaveLength(1);
  });

  it('has a token refreshed that has too little', async () => {
    const { world } = await vendorWorld();
    const { dueAt } = await world.record(ID);
    world.clock.set(dueAt - 1);
    expect(await world.ask(read(minutes(50)))).toMatchObject({ result: 'refreshed' });
    expect(world.reports.at(-1)).toMatchObject({ result: 'refreshed', connection: ID });
  });

  it('who asks for more than there can be sets off no storm', async () => {
    const { world } = await vendorWorld();
    for (let second = 0; second < 600; second++) {
      await world.ask(read(hours(1) - 1));
      world.clock.pass(seconds(1));
    }
    expect(world.calls.length).toBeLessThanOrEqual(20);
    const before = world.calls.length;
    for (let second = 0; second < 600; second++) {
      await world.ask(read(hours(24)));
      world.clock.pass(seconds(1));
    }
    expect(world.calls.length - before).toBeLessThanOrEqual(1);
  });

  it('one of a thousand at once sets off one call', async () => {
    const { world } = await vendorWorld();
    const answers = await Promise.all(Array.from({ length: 1000 }, () => world.ask(read(minutes(50)))));
    expect(world.calls).toHaveLength(1);
    expect(answers.filter(each => each.result === 'refreshed')).toHaveLength(1);
    expect(answers.filter(each => each.result === 'waiting' && each.reason === 'leased')).toHaveLength(999);
  });

  it('does not hurry a provider that fails', async () => {
    const { world, vendor } = await vendorWorld();
    vendor.script.push(...Array.from({ length: 500 }, () => () => answer('', 503)));
    for (let second = 0; second < 600; second++) {
      await world.ask(read(minutes(59)));
      world.clock.pass(seconds(1));
    }
    // Exponential with full jitter: some dozen tries in ten minutes, not six hundred.
    expect(world.calls.length).toBeLessThan(40);
    const { dueAt } = await world.record(ID);
    world.clock.set(dueAt - 1);
    expect(await world.ask(read(0))).toEqual({ result: 'waiting', reason: 'backing_off', until: dueAt });
  });

  it('is told of what is not there, has gone, or waits for a person', async () => {
    const { world, vendor } = await vendorWorld();
    expect(await world.ask({ kind: 'read', connection: idOf('nobody'), minTtl: 0 })).toEqual({ result: 'unknown' });
    vendor.password = 'other';
    vendor.script.push(() => answer({ error: 'invalid_grant' }, 400));
    expect(await world.ask(read(0))).toMatchObject({ result: 'attention', until: plus(world.clock.now(), hours(1)) });
    expect(await world.ask(read(0))).toMatchObject({ result: 'waiting', reason: 'attention' });
    await world.stores.connections.retire(ID, world.clock.now());
    expect(await world.ask(read(0))).toEqual({ result: 'unknown' });
  });
});

describe('a consumer whose token was refused', () => {
  it('gets another, however fresh the first was', async () => {
    const { world } = await vendorWorld();
    await world.refresh(ID);
    const { accessToken } = await world.token(ID);
    expect(await world.ask(forced)).toMatchObject({ result: 'refreshed' });
    expect((await world.token(ID)).accessToken).not.toBe(accessToken);
  });

  it('gets no more than one in half a minute, over all processes', async () => {
    const { world } = await vendorWorld();
    for (let second = 0; second < 120; second++) {
      await world.ask(forced);
      world.clock.pass(seconds(1));
    }
    expect(world.calls).toHaveLength(4);
    const until = (await world.record(ID)).forcedAt;
    expect(await world.ask(forced)).toMatchObject({ result: 'refreshed' });
    expect(until).toBeDefined();
    expect(await world.ask(forced)).toEqual({
      result: 'waiting',
      reason: 'forced_recently',
      until: plus(world.clock.now(), seconds(30)),
    });
  });

  it('waits for a worker that has it, and for a dead one’s lease', async () => {
    const { world } = await vendorWorld();
    const died = dieAt(world, 'before', 'send');
    void world.tick('test-provider');
    await died;
    const until = plus(world.clock.now(), world.policy.lease);
    expect(await world.ask(forced)).toEqual({ result: 'waiting', reason: 'leased', until });
    expect(await world.ask(read(0))).toEqual({ result: 'waiting', reason: 'leased', until });
    world.clock.pass(world.policy.lease);
    expect(await world.ask(forced)).toMatchObject({ result: 'refreshed' });
  });

  it('who loses the claim is told to wait for the winner', async () => {
    const { world } = await vendorWorld();
    const answers = await Promise.all([world.ask(forced), world.ask(forced)]);
    expect(answers.map(({ result }) => result).toSorted()).toEqual(['refreshed', 'waiting']);
    expect(world.calls).toHaveLength(1);
  });

  it('does not get around a backoff, nor around a rate limit', async () => {
    const provider = testProvider({ rateLimit: { calls: 1, per: minutes(1) } });
    const { world, vendor } = await vendorWorld({ provider });
    vendor.script.push(() => answer('', 503, { 'retry-after': '120' }));
    expect(await world.ask(forced)).toMatchObject({ result: 'failed' });
    world.clock.pass(seconds(31));
    expect(await world.ask(forced)).toMatchObject({ result: 'waiting', reason: 'backing_off' });
    world.clock.pass(seconds(90));
    expect(await world.ask(forced)).toMatchObject({ result: 'refreshed' });
    world.clock.pass(seconds(31));
    expect(await world.ask(forced)).toMatchObject({ result: 'postponed' });
    expect(world.calls).toHaveLength(2);
  });

  it('gets the token of a connection that is retired meanwhile from nobody', async () => {
    const { world } = await vendorWorld();
    world.hooks.before = async at => {
      if (at !== 'tokens.publish') return;
      delete world.hooks.before;
      await world.stores.connections.retire(ID, world.clock.now());
    };
    expect(await world.ask(forced)).toMatchObject({ result: 'retired' });
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
  });
});

describe('a run on demand', () => {
  it.each([
    ['a reader', read(0)],
    ['a consumer', forced],
  ])('for %s is observed like one of the schedule, once', async (_, ask) => {
    const { world } = await vendorWorld({ refreshed: false });
    await world.ask(ask);
    expect(world.reports).toMatchObject([
      { connection: ID, result: 'refreshed', from: 'new', to: 'healthy', calls: 1 },
    ]);
  });

  it('that another was faster than is observed too, and a wait is none', async () => {
    const { world } = await vendorWorld({ refreshed: false });
    const until = plus(world.clock.now(), world.policy.lease);
    const answers = await Promise.all([world.ask(forced), world.ask(forced)]);
    expect(answers).toContainEqual({ result: 'waiting', reason: 'leased', until });
    await world.ask(read(0));
    expect(world.reports.map(({ result }) => result).toSorted()).toEqual(['lost', 'refreshed']);
  });

  it('for a reader does not keep a consumer from having another', async () => {
    const { world } = await vendorWorld({ refreshed: false });
    expect(await world.ask(read(0))).toMatchObject({ result: 'refreshed' });
    expect(await world.ask(forced)).toMatchObject({ result: 'refreshed' });
    expect(await world.ask(forced)).toMatchObject({ result: 'waiting', reason: 'forced_recently' });
  });
});
