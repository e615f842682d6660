import { describe, expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import { hours, minutes, plus, seconds } from '../../lib/core/types.ts';
import { transitionsOf } from '../../lib/events.ts';
import { failAlways } from '../kit/faults.ts';
import { answer, codeWorld, ID, lostAnswer, refusedGrant, testProvider } from '../kit/vendor.ts';

/** A person handed in a code once: from then on the refresh token is the only copy of access. */

it('the code is redeemed once, and the session renews for days', async () => {
  const { world, vendor } = await codeWorld({ refreshed: false });
  await world.tick('test-provider');
  await world.run('test-provider', hours(72), minutes(5));
  expect(vendor.count('code')).toBe(1);
  expect(vendor.reused).toBe(0);
  expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
});

it('a refresh token that the provider would refuse waits for its time, whatever else is new in the secret', async () => {
  const provider = testProvider({ renewWithin: minutes(10) });
  const { world, vendor } = await codeWorld({ provider, policy: { renewWithin: minutes(10) } });
  await world.edit(ID, { code: 'good-1', client: 'another' });
  const { expiresAt } = await world.token(ID);
  await world.run('test-provider', expiresAt - world.clock.now() - minutes(12), minutes(5));
  expect(vendor.grants).toEqual([]);
  expect(world.reports.at(-1)).toMatchObject({ result: 'unchanged' });
  await world.run('test-provider', minutes(8), minutes(1));
  expect(vendor.grants).toEqual(['refresh']);
});

describe('the only copy of access is never dropped', () => {
  it.each([
    ['an outage', () => answer('', 503)],
    ['a redirect', () => answer('', 302)],
    ['a firewall', () => answer('<html>', 403)],
  ])('by %s, which says that it is unspent, and the code is not redeemed again', async (_, reply) => {
    const { world, vendor } = await codeWorld();
    vendor.script.push(reply, reply, reply);
    for (let round = 0; round < 3; round++) {
      expect(await world.refresh(ID)).toMatchObject({ calls: 1 });
      world.clock.pass(minutes(5));
    }
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    expect(vendor.grants).toEqual(Array(4).fill('refresh'));
  });

  it.each([
    ['a lost answer', () => lostAnswer],
    ['a breakdown', () => answer('', 500)],
    ['nonsense', () => answer('<html>')],
  ])('by %s: an event reports it at once, and it is sent again near the end of its token', async (_, reply) => {
    const { world, vendor } = await codeWorld();
    vendor.script.push(reply);
    expect(await world.refresh(ID)).toMatchObject({ result: 'attention', calls: 1 });
    const { expiresAt } = await world.token(ID);
    expect(await world.record(ID)).toMatchObject({
      status: 'attention',
      session: { inDoubt: true },
      dueAt: plus(expiresAt, -minutes(10)),
    });
    await world.run('test-provider', expiresAt - world.clock.now() - minutes(11), minutes(1));
    expect(vendor.grants).toEqual(['refresh']);
    await world.run('test-provider', minutes(3), minutes(1));
    expect(vendor.grants).toEqual(['refresh', 'refresh']);
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect((await world.record(ID)).session).not.toHaveProperty('inDoubt');
  });

  it('its token stays after a refusal near its end: a person is needed, who may find that it was the provider’s mistake', async () => {
    const { world, vendor } = await codeWorld();
    vendor.script.push(refusedGrant);
    expect(await world.refresh(ID)).toMatchObject({ result: 'attention', calls: 1 });
    expect(await world.refreshToken(ID)).toBe('refresh-1');
    expect(await world.token(ID)).toBeDefined();
  });

  it('by a lifetime that does not get longer', async () => {
    const { world, vendor } = await codeWorld();
    vendor.life = minutes(10);
    await world.refresh(ID);
    world.clock.pass(minutes(6));
    await world.refresh(ID);
    expect(vendor.grants).toEqual(['refresh', 'refresh']);
  });

  it('by a new version of the secret that holds the same code', async () => {
    const { world, vendor } = await codeWorld();
    await world.edit(ID, { code: 'good-1', note: 'changed' });
    await world.tick('test-provider');
    expect(vendor.grants).toEqual(['refresh']);
  });
});

describe('a connection that only a person can bring back', () => {
  it('is renewed early: a person needs time', async () => {
    const { world } = await codeWorld({ refreshed: false });
    await world.tick('test-provider');
    const { issuedAt, expiresAt } = await world.token(ID);
    expect(((await world.record(ID)).dueAt - issuedAt) / (expiresAt - issuedAt)).toBeCloseTo(0.25, 1);
  });

  it('waits for an answer as long as the lease allows', async () => {
    const { world } = await codeWorld();
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    expect(world.deadlines).toEqual([seconds(37)]);
  });

  it('stores its new refresh token although the store refuses for half a minute', async () => {
    const { world } = await codeWorld();
    const from = world.clock.now();
    world.hooks.before = async at => {
      const fails = world.clock.now() - from < seconds(20);
      if (at === 'sessions.keep' && fails) throw new RefresherError('store_failed', 'injected');
    };
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', to: 'healthy' });
    expect(await world.refreshToken(ID)).toBe('refresh-2');
  });

  it('is reported at once if its new refresh token cannot be stored at all', async () => {
    const given = await codeWorld();
    failAlways(given.world, 'before', 'sessions.keep');
    const report = await given.world.refresh(ID);
    expect(report).toMatchObject({ to: 'attention', commitFailed: 'keep' });
    expect(transitionsOf(report, given.world.clock.now())).toMatchObject([
      { type: 'needs attention', reason: 'store_failed' },
    ]);
    expect(await given.world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'store_failed' } });
  });

  it('loses its token if the provider has ended its session and a consumer says that the token is refused', async () => {
    const { world, vendor } = await codeWorld();
    vendor.script.push(() => lostAnswer);
    await world.refresh(ID);
    const { issuedAt } = await world.token(ID);
    vendor.script.push(refusedGrant, refusedGrant);
    const forced = { kind: 'force', connection: ID, issuedAt, waits: true } as const;
    expect(await world.onDemand(forced)).toMatchObject({ result: 'attention' });
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
    expect(await world.record(ID)).not.toHaveProperty('expiresAt');
  });

  describe('in doubt, and an operator who has it tried', () => {
    const operator = { kind: 'operator', connection: ID, waits: false } as const;
    const inDoubt = async () => {
      const given = await codeWorld();
      given.vendor.script.push(() => lostAnswer);
      await given.world.refresh(ID);
      return given;
    };

    it.each([
      ['loses its token if its refresh token is refused, which may have ended it', refusedGrant, false],
      ['keeps its token if there is no answer', () => lostAnswer, true],
    ])('%s, and the operator is warned', async (_, reply, stays) => {
      const { world, vendor } = await inDoubt();
      vendor.script.push(reply);
      expect(await world.onDemand(operator)).toMatchObject({ result: 'attention', warning: 'may_end_token' });
      expect((await world.stores.tokens.get(ID)) !== undefined).toBe(stays);
      expect((await world.record(ID)).expiresAt !== undefined).toBe(stays);
    });

    it('gets a new one if all is well, and there is nothing to warn of', async () => {
      const { world } = await inDoubt();
      expect(await world.onDemand(operator)).toMatchObject({ result: 'refreshed' });
      expect(await world.onDemand(operator)).not.toHaveProperty('warning');
    });

    it('keeps its token if nothing is sent', async () => {
      const { world, vendor } = await inDoubt();
      await world.put(ID, { client: 'misspelled' });
      expect(await world.onDemand(operator)).toMatchObject({ result: 'attention' });
      expect(vendor.grants).toEqual(['refresh']);
      expect(await world.token(ID)).toBeDefined();
    });
  });

  it('keeps its token if an operator finds its session ended, although it was never sent twice', async () => {
    const { world, vendor } = await codeWorld();
    vendor.script.push(refusedGrant);
    const answered = await world.onDemand({ kind: 'operator', connection: ID, waits: false });
    expect(answered).toMatchObject({ result: 'attention' });
    expect(answered).not.toHaveProperty('warning');
    expect(await world.token(ID)).toBeDefined();
  });
});
