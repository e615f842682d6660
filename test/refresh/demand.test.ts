import { describe, expect, it } from 'vitest';
import { defaultPolicy, promised } from '../../lib/core/policy.ts';
import { type EpochMs, hours, minutes, plus, seconds } from '../../lib/core/types.ts';
import { crashAt, once } from '../kit/faults.ts';
import { idOf, START } from '../kit/records.ts';
import { answer, ID, testProvider, vendorWorld } from '../kit/vendor.ts';
import type { World } from '../kit/world.ts';

/** Refused is the token of `issuedAt`, by default the one of the record at that moment. */
const refused = (issuedAt: EpochMs) => ({ kind: 'force', connection: ID, issuedAt, waits: true }) as const;
const force = async (world: World, deps = world.worker()) => {
  const { issuedAt = START } = await world.record(ID);
  return world.onDemand(refused(issuedAt), deps);
};
const read = (minTtl: number) => ({ kind: 'ifNeeded', connection: ID, minTtl, waits: true }) as const;

describe('a reader', () => {
  it('gets the current token without a call if it has enough time left', async () => {
    const { world } = await vendorWorld();
    await world.refresh(ID);
    expect(await world.onDemand(read(minutes(50)))).toEqual({ result: 'waiting', reason: 'fresh' });
    expect(world.calls).toHaveLength(1);
  });

  it('has a token refreshed that has too little', async () => {
    const { world } = await vendorWorld();
    const { expiresAt } = await world.token(ID);
    world.clock.set(expiresAt - promised(defaultPolicy, hours(1)));
    expect(await world.onDemand(read(minutes(50)))).toEqual({ result: 'waiting', reason: 'fresh' });
    world.clock.pass(1);
    expect(await world.onDemand(read(minutes(50)))).toMatchObject({ result: 'refreshed' });
    expect(world.reports.at(-1)).toMatchObject({ result: 'refreshed', connection: ID });
  });

  it('that wants more than the schedule can promise causes no call while the schedule works', async () => {
    const { world } = await vendorWorld();
    await world.refresh(ID);
    for (let second = 0; second < 7200; second += 5) {
      if (second % 300 === 0) await world.tick('test-provider');
      expect(await world.onDemand(read(hours(24)))).toEqual({ result: 'waiting', reason: 'fresh' });
      world.clock.pass(seconds(5));
    }
    // An hour of life, renewed after about half of it.
    expect(world.calls.length).toBeLessThanOrEqual(5);
  });

  it('a thousand at once cause one call, three wait for it, and the others are answered "busy"', async () => {
    const { world } = await vendorWorld();
    world.clock.pass(hours(1));
    const before = world.calls.length;
    const answers = await Promise.all(Array.from({ length: 1000 }, () => world.onDemand(read(minutes(50)))));
    expect(world.calls.length - before).toBe(1);
    const counted = (reason: string) =>
      answers.filter(each => each.result === 'waiting' && each.reason === reason).length;
    expect(answers.filter(each => each.result === 'refreshed')).toHaveLength(1);
    expect([counted('leased'), counted('busy')]).toEqual([3, 996]);
  });

  it('who has a valid token takes no place of those who wait', async () => {
    const { world } = await vendorWorld();
    world.clock.pass(minutes(50));
    const impatient = Array.from({ length: 10 }, () => world.onDemand({ ...read(minutes(20)), waits: false }));
    const patient = Array.from({ length: 4 }, () => world.onDemand(read(minutes(20))));
    const reasons = (await Promise.all([...impatient, ...patient])).map(each =>
      'reason' in each ? each.reason : each.result,
    );
    expect(reasons).toEqual(['refreshed', ...Array(9).fill('leased'), 'leased', 'leased', 'leased', 'busy']);
  });

  it('does not hurry a provider that fails', async () => {
    const { world, vendor } = await vendorWorld();
    vendor.script.push(...Array.from({ length: 500 }, () => () => answer('', 503)));
    for (let second = 0; second < 600; second++) {
      await world.onDemand(read(minutes(59)));
      world.clock.pass(seconds(1));
    }
    // Exponential with full jitter: some dozen tries in ten minutes, not six hundred.
    expect(world.calls.length).toBeLessThan(40);
    const { dueAt } = await world.record(ID);
    world.clock.set(dueAt - 1);
    expect(await world.onDemand(read(0))).toEqual({ result: 'waiting', reason: 'backing_off', until: dueAt });
  });

  it('is answered if the connection is unknown, retired, or needs attention', async () => {
    const { world, vendor } = await vendorWorld();
    expect(await world.onDemand({ ...read(0), connection: idOf('nobody') })).toEqual({ result: 'unknown' });
    vendor.password = 'other';
    vendor.script.push(() => answer({ error: 'invalid_grant' }, 400));
    world.clock.pass(hours(1));
    expect(await world.onDemand(read(0))).toMatchObject({
      result: 'attention',
      until: plus(world.clock.now(), hours(1)),
    });
    expect(await world.onDemand(read(0))).toMatchObject({ result: 'waiting', reason: 'attention' });
    await world.stores.connections.retire(ID, world.clock.now());
    expect(await world.onDemand(read(0))).toEqual({ result: 'retired' });
  });
});

describe('a consumer whose token was refused', () => {
  it('gets no more than one in half a minute, over all processes', async () => {
    const { world } = await vendorWorld();
    for (let second = 0; second < 120; second++) {
      await force(world);
      world.clock.pass(seconds(1));
    }
    expect(world.calls).toHaveLength(4);
    expect(await force(world)).toMatchObject({ result: 'refreshed' });
    const until = plus(world.clock.now(), seconds(30));
    expect(await force(world)).toEqual({ result: 'waiting', reason: 'forced_recently', until });
  });

  it('waits for a worker that holds the lease, and for the end of a crashed one’s lease', async () => {
    const { world } = await vendorWorld();
    await crashAt(world, 'before', 'send', () => world.tick('test-provider'));
    const until = plus(world.clock.now(), world.policy.lease);
    expect(await force(world)).toEqual({ result: 'waiting', reason: 'leased', until });
    expect(await world.onDemand(read(0))).toEqual({ result: 'waiting', reason: 'leased', until });
    world.clock.pass(world.policy.lease);
    expect(await force(world)).toMatchObject({ result: 'refreshed' });
  });

  it('does not get around a backoff, nor around a rate limit', async () => {
    const provider = testProvider({ rateLimit: { calls: 1, per: minutes(1) } });
    const { world, vendor } = await vendorWorld({ provider });
    vendor.script.push(() => answer('', 503, { 'retry-after': '120' }));
    expect(await force(world)).toMatchObject({ result: 'failed' });
    world.clock.pass(seconds(31));
    expect(await force(world)).toMatchObject({ result: 'waiting', reason: 'backing_off' });
    world.clock.pass(seconds(90));
    expect(await force(world)).toMatchObject({ result: 'refreshed' });
    world.clock.pass(seconds(31));
    expect(await force(world)).toMatchObject({ result: 'postponed' });
    expect(world.calls).toHaveLength(2);
  });

  it('is not answered for a connection that is retired meanwhile, whose token stays for the grace period', async () => {
    const { world } = await vendorWorld();
    once(world, 'before', 'tokens.publish', () => world.stores.connections.retire(ID, world.clock.now()));
    expect(await force(world)).toMatchObject({ result: 'retired' });
    expect(await world.stores.tokens.get(ID)).toBeDefined();
  });
});

describe('consumers who were refused one token', () => {
  it('cause one call, and none once it is replaced', async () => {
    const { world } = await vendorWorld();
    await world.refresh(ID);
    const { issuedAt } = await world.token(ID);
    world.clock.pass(seconds(10));
    const before = world.calls.length;
    const answers = await Promise.all([world.onDemand(refused(issuedAt)), world.onDemand(refused(issuedAt))]);
    expect(answers.map(each => ('reason' in each ? each.reason : each.result))).toEqual(['refreshed', 'leased']);
    expect(await world.onDemand(refused(issuedAt))).toEqual({ result: 'waiting', reason: 'renewed' });
    expect(world.calls.length - before).toBe(1);
  });

  it('get the token of another run that claims first', async () => {
    const { world } = await vendorWorld();
    const { issuedAt } = await world.token(ID);
    once(world, 'before', 'connections.claim', () => world.refresh(ID));
    expect(await world.onDemand(refused(issuedAt))).toEqual({ result: 'waiting', reason: 'renewed' });
    expect(world.calls).toHaveLength(1);
  });

  it('who lose every claim are sent away', async () => {
    const { world } = await vendorWorld();
    const { issuedAt } = await world.token(ID);
    let others = 0;
    const anotherIsFaster = () =>
      once(world, 'before', 'connections.claim', async () => {
        others += 1;
        const claim = { id: `other-${others}`, leaseUntil: world.clock.now() };
        await world.stores.connections.claim(await world.record(ID), claim);
        anotherIsFaster();
      });
    anotherIsFaster();
    expect(await world.onDemand(refused(issuedAt))).toEqual({ result: 'waiting', reason: 'busy' });
    expect(world.calls).toHaveLength(0);
  });
});

describe('a run on demand', () => {
  it.each([
    ['a reader', read(0)],
    ['a consumer', refused(START)],
  ])('for %s is observed like one of the schedule, once', async (_, request) => {
    const { world } = await vendorWorld({ refreshed: false });
    await world.onDemand(request);
    expect(world.reports).toMatchObject([
      { connection: ID, result: 'refreshed', from: 'new', to: 'healthy', calls: 1 },
    ]);
  });

  it('that another was faster than is observed too, and a wait is none', async () => {
    const { world } = await vendorWorld({ refreshed: false });
    const until = plus(world.clock.now(), world.policy.lease);
    const answers = await Promise.all([force(world), force(world)]);
    expect(answers).toContainEqual({ result: 'waiting', reason: 'leased', until });
    await world.onDemand(read(0));
    expect(world.reports.map(({ result }) => result).toSorted()).toEqual(['lost', 'refreshed']);
  });

  it('for a reader does not keep a consumer from having another', async () => {
    const { world } = await vendorWorld({ refreshed: false });
    expect(await world.onDemand(read(0))).toMatchObject({ result: 'refreshed' });
    expect(await force(world)).toMatchObject({ result: 'refreshed' });
    expect(await force(world)).toMatchObject({ result: 'waiting', reason: 'forced_recently' });
  });
});
