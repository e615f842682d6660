import { describe, expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import { hours, minutes, plus, seconds } from '../../lib/core/types.ts';
import { transitionsOf } from '../../lib/events.ts';
import { always, crashAt, failAlways, failOnce } from '../kit/faults.ts';
import { answer, ID, lostAnswer, testProvider, vendorWorld } from '../kit/vendor.ts';

/** A person handed in a code once: from then on the refresh token is the only copy of access. */
const byCode = (more: object = {}) =>
  vendorWorld({ secret: { code: 'good-1' }, provider: testProvider({ locksAccounts: true }), ...more });
const sessionOf = ({ world }: Awaited<ReturnType<typeof byCode>>) => world.refreshToken(ID);

it('the code is redeemed once, and the session lives on for days', async () => {
  const { world, vendor } = await byCode({ refreshed: false });
  await world.tick('test-provider');
  await world.run('test-provider', hours(72), minutes(5));
  expect(vendor.count('code')).toBe(1);
  expect(vendor.reused).toBe(0);
  expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
});

it('a refresh token that the provider would refuse waits for its time, whatever else is new in the secret', async () => {
  const provider = testProvider({ renewWithin: minutes(10) });
  const { world, vendor } = await byCode({ provider, policy: { renewWithin: minutes(10) } });
  await world.edit(ID, { code: 'good-1', client: 'another' });
  await world.run('test-provider', minutes(15), minutes(5));
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
    const { world, vendor } = await byCode();
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
    const { world, vendor } = await byCode();
    vendor.script.push(reply);
    expect(await world.refresh(ID)).toMatchObject({ result: 'attention', calls: 1 });
    const { expiresAt } = await world.token(ID);
    expect(await world.record(ID)).toMatchObject({
      status: 'attention',
      session: { inDoubt: true },
      dueAt: plus(expiresAt, -minutes(10)),
    });
    await world.run('test-provider', minutes(16), minutes(1));
    expect(vendor.grants).toEqual(['refresh']);
    await world.run('test-provider', minutes(3), minutes(1));
    expect(vendor.grants).toEqual(['refresh', 'refresh']);
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect((await world.record(ID)).session).not.toHaveProperty('inDoubt');
  });

  it('by a refusal: a person is called for, who may find that it was the provider’s mistake', async () => {
    const given = await byCode();
    given.vendor.script.push(() => answer({ error: 'invalid_grant' }, 400));
    expect(await given.world.refresh(ID)).toMatchObject({ result: 'attention', calls: 1 });
    expect(await sessionOf(given)).toBe('refresh-1');
  });

  it('by a lifetime that does not get longer', async () => {
    const { world, vendor } = await byCode();
    vendor.life = minutes(10);
    await world.refresh(ID);
    world.clock.pass(minutes(6));
    await world.refresh(ID);
    expect(vendor.grants).toEqual(['refresh', 'refresh']);
  });

  it('by a new version of the secret that holds the same code', async () => {
    const { world, vendor } = await byCode();
    await world.edit(ID, { code: 'good-1', note: 'changed' });
    await world.tick('test-provider');
    expect(vendor.grants).toEqual(['refresh']);
  });
});

describe('a code', () => {
  const afterwards = async (given: Awaited<ReturnType<typeof byCode>>) => {
    given.world.clock.pass(minutes(1));
    await given.world.tick('test-provider');
    await given.world.run('test-provider', hours(2), minutes(5));
    return given.vendor.accepts((await given.world.token(ID)).accessToken);
  };

  it.each([
    ['after', 'sessions.keep'],
    ['before', 'tokens.publish'],
    ['after', 'tokens.publish'],
    ['before', 'connections.settle'],
    ['after', 'connections.settle'],
  ] as const)(
    'whose worker dies %s %s is not redeemed again, which would end its session',
    async (where, operation) => {
      const given = await byCode({ refreshed: false });
      await crashAt(given.world, where, operation, () => given.world.tick('test-provider'));
      expect(await afterwards(given)).toBe(true);
      expect(given.vendor.count('code')).toBe(1);
      expect(given.vendor.reused).toBe(0);
    },
  );

  it.each([
    ['before', 'sessions.keep'],
    ['before', 'tokens.publish'],
    ['before', 'connections.settle'],
    ['after', 'connections.settle'],
  ] as const)('is redeemed once where the store fails %s %s', async (where, operation) => {
    const given = await byCode({ refreshed: false });
    failOnce(given.world, where, operation);
    await given.world.tick('test-provider');
    expect(await afterwards(given)).toBe(true);
    expect(given.vendor.count('code')).toBe(1);
  });

  it('stays spent while its session cannot be tried after such a death', async () => {
    const given = await byCode({ refreshed: false });
    await crashAt(given.world, 'before', 'connections.settle', () => given.world.tick('test-provider'));
    given.vendor.script.push(
      () => answer('', 503),
      () => lostAnswer,
      () => answer('', 500),
    );
    given.world.clock.pass(minutes(1));
    await given.world.tick('test-provider');
    // Nor does a new version of the secret bring it back to life, as long as the code is the same.
    await given.world.edit(ID, { code: 'good-1', note: 'changed' });
    expect(await afterwards(given)).toBe(true);
    expect(given.vendor.count('code')).toBe(1);
  });

  it('is redeemed after such a crash if it was not redeemed before', async () => {
    const given = await byCode();
    await given.world.edit(ID, { code: 'good-2' });
    await crashAt(given.world, 'before', 'send', () => given.world.tick('test-provider'));
    given.world.clock.pass(minutes(1));
    await given.world.tick('test-provider');
    expect(given.vendor.grants).toEqual(['code']);
    expect(await given.world.record(ID)).toMatchObject({ status: 'healthy', failures: 0 });
  });

  it('that is spent, with no session left, is not sent again but reported', async () => {
    const given = await byCode();
    given.vendor.script.push(() => answer({ access_token: 'last', expires_in: 3600 }));
    await given.world.edit(ID, { code: 'good-2' });
    await given.world.tick('test-provider');
    given.world.clock.pass(minutes(40));
    expect(await given.world.refresh(ID)).toMatchObject({
      result: 'attention',
      calls: 0,
      error: { code: 'code_already_redeemed' },
    });
  });

  it('that is new in the secret is redeemed at once', async () => {
    const given = await byCode();
    given.vendor.script.push(() => answer({ error: 'invalid_grant' }, 400));
    await given.world.refresh(ID);
    await given.world.edit(ID, { code: 'good-2' });
    expect(await given.world.tick('test-provider')).toMatchObject({ results: { refreshed: 1 } });
    expect(given.vendor.grants).toEqual(['refresh', 'code']);
  });
});

describe('a session that is refused, and a secret that has not been read since', () => {
  const refusedWith = async (secret: object) => {
    const given = await byCode();
    const warm = given.world.worker();
    await given.world.refresh(ID, warm);
    given.vendor.grants.length = 0;
    await given.world.put(ID, secret);
    given.vendor.script.push(() => answer({ error: 'invalid_grant' }, 400));
    return { ...given, report: await given.world.refresh(ID, warm) };
  };

  it('holds a new code: it is redeemed at once, and needs no attention', async () => {
    const { vendor, report } = await refusedWith({ code: 'good-2' });
    expect(report).toMatchObject({ result: 'refreshed', from: 'healthy', calls: 2 });
    expect(vendor.grants).toEqual(['refresh', 'code']);
  });

  it('holds the code that was redeemed: a person is called for, and the code is not spent again', async () => {
    const { vendor, report } = await refusedWith({ code: 'good-1', note: 'changed' });
    expect(report).toMatchObject({ result: 'attention', calls: 1 });
    expect(vendor.grants).toEqual(['refresh']);
    expect(vendor.reused).toBe(0);
  });
});

describe('a new code that is refused', () => {
  const withDeadCode = async () => {
    const given = await byCode();
    await given.world.edit(ID, { code: 'dead' });
    given.vendor.grants.length = 0;
    return given;
  };

  it('leaves the session of the old one, which lives on', async () => {
    const { world, vendor } = await withDeadCode();
    expect(await world.tick('test-provider')).toMatchObject({ results: { refreshed: 1 } });
    await world.refresh(ID);
    expect(vendor.grants).toEqual(['code', 'refresh', 'refresh']);
    expect(vendor.reused).toBe(0);
  });

  it('keeps it if the answer to the code is lost', async () => {
    const given = await withDeadCode();
    given.vendor.script.push(() => lostAnswer);
    expect(await given.world.tick('test-provider')).toMatchObject({ results: { failed: 1 }, calls: 1 });
    expect(await sessionOf(given)).toBe('refresh-1');
  });

  it('needs attention if the session is refused too, and reports why', async () => {
    const { world, vendor } = await withDeadCode();
    vendor.script.push(undefined, () => answer({ error: 'invalid_grant' }, 400));
    expect(await world.tick('test-provider')).toMatchObject({ results: { attention: 1 }, calls: 2 });
    expect(await world.record(ID)).toMatchObject({ lastError: { code: 'invalid_grant' } });
  });

  it('is not redeemed again if the answer of the session’s refresh was lost', async () => {
    const { world, vendor } = await withDeadCode();
    vendor.script.push(undefined, () => lostAnswer);
    await world.tick('test-provider');
    expect(await world.record(ID)).toMatchObject({ status: 'attention', session: { inDoubt: true } });
    await world.run('test-provider', minutes(25), minutes(5));
    expect(vendor.grants).toEqual(['code', 'refresh', 'refresh']);
  });
});

describe('a new code and a session that are both in doubt', () => {
  it('are tried one after the other: the code at once, the session near the end of its token', async () => {
    const { world, vendor } = await byCode();
    await world.edit(ID, { code: 'dead' });
    await crashAt(world, 'before', 'send', () => world.tick('test-provider'));
    world.clock.pass(minutes(1));
    vendor.grants.length = 0;
    expect(await world.refresh(ID)).toMatchObject({ result: 'attention', calls: 1 });
    expect(vendor.grants).toEqual(['code']);
    await world.run('test-provider', minutes(24), minutes(1));
    expect(vendor.grants).toEqual(['code', 'refresh']);
  });

  it('wait if the secret could not be read again', async () => {
    const { world, vendor } = await byCode();
    await world.edit(ID, { code: 'dead' });
    vendor.grants.length = 0;
    always(world, 'after', 'send', () => failOnce(world, 'before', 'secrets.get'));
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 1 });
    expect(vendor.grants).toEqual(['code']);
  });
});

describe('a connection that only a person can bring back', () => {
  it('is renewed early: a person needs time', async () => {
    const { world } = await byCode({ refreshed: false });
    await world.tick('test-provider');
    const { issuedAt, expiresAt } = await world.token(ID);
    expect(((await world.record(ID)).dueAt - issuedAt) / (expiresAt - issuedAt)).toBeCloseTo(0.25, 1);
  });

  it('waits for an answer as long as the lease allows', async () => {
    const { world } = await byCode();
    const deps = world.worker();
    const deadlines: number[] = [];
    const send: typeof deps.send = (request, deadline) => {
      deadlines.push(deadline);
      return deps.send(request, deadline);
    };
    expect(await world.refresh(ID, { ...deps, send })).toMatchObject({ result: 'refreshed' });
    expect(deadlines).toEqual([seconds(37)]);
  });

  it('stores its new refresh token although the store refuses for half a minute', async () => {
    const given = await byCode();
    const from = given.world.clock.now();
    given.world.hooks.before = async at => {
      const fails = given.world.clock.now() - from < seconds(20);
      if (at === 'sessions.keep' && fails) throw new RefresherError('store_failed', 'injected');
    };
    expect(await given.world.refresh(ID)).toMatchObject({ result: 'refreshed', to: 'healthy' });
    expect(await sessionOf(given)).toBe('refresh-2');
  });

  it('is reported at once if its new refresh token cannot be stored at all', async () => {
    const given = await byCode();
    failAlways(given.world, 'sessions.keep');
    const report = await given.world.refresh(ID);
    expect(report).toMatchObject({ to: 'attention', commitFailed: 'keep' });
    expect(transitionsOf(report, given.world.clock.now())).toMatchObject([
      { type: 'needs attention', reason: 'store_failed' },
    ]);
    expect(await given.world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'store_failed' } });
  });

  it('loses its token if the provider has ended its session and a consumer says that the token is refused', async () => {
    const { world, vendor } = await byCode();
    vendor.script.push(() => lostAnswer);
    await world.refresh(ID);
    const { issuedAt } = await world.token(ID);
    const invalid = () => answer({ error: 'invalid_grant' }, 400);
    vendor.script.push(invalid, invalid);
    const forced = { kind: 'force', connection: ID, issuedAt, waits: true } as const;
    expect(await world.onDemand(forced)).toMatchObject({ result: 'attention' });
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
    expect(await world.record(ID)).not.toHaveProperty('expiresAt');
  });

  describe('in doubt, and an operator who has it tried', () => {
    const operator = { kind: 'operator', connection: ID, waits: false } as const;
    const inDoubt = async () => {
      const given = await byCode();
      given.vendor.script.push(() => lostAnswer);
      await given.world.refresh(ID);
      return given;
    };

    it('loses its token if its refresh token is refused, which may have ended it, and the operator is warned', async () => {
      const { world, vendor } = await inDoubt();
      vendor.script.push(() => answer({ error: 'invalid_grant' }, 400));
      expect(await world.onDemand(operator)).toMatchObject({ result: 'attention', warning: 'may_end_token' });
      expect(await world.stores.tokens.get(ID)).toBeUndefined();
      expect(await world.record(ID)).not.toHaveProperty('expiresAt');
    });

    it('keeps its token if there is no answer, and the operator is warned', async () => {
      const { world, vendor } = await inDoubt();
      vendor.script.push(() => lostAnswer);
      expect(await world.onDemand(operator)).toMatchObject({ result: 'attention', warning: 'may_end_token' });
      expect(await world.token(ID)).toBeDefined();
    });

    it('gets a new one if all is well, and there is nothing to warn of', async () => {
      const { world } = await inDoubt();
      expect(await world.onDemand(operator)).toMatchObject({ result: 'refreshed' });
      expect(await world.onDemand(operator)).not.toHaveProperty('warning');
    });

    it('keeps its token if nothing is sent', async () => {
      const { world, vendor } = await inDoubt();
      await world.put(ID, { client: 'misspelt' });
      expect(await world.onDemand(operator)).toMatchObject({ result: 'attention' });
      expect(vendor.grants).toEqual(['refresh']);
      expect(await world.token(ID)).toBeDefined();
    });
  });

  it('keeps its token if an operator finds its session ended, although it was never sent twice', async () => {
    const { world, vendor } = await byCode();
    vendor.script.push(() => answer({ error: 'invalid_grant' }, 400));
    const answered = await world.onDemand({ kind: 'operator', connection: ID, waits: false });
    expect(answered).toMatchObject({ result: 'attention' });
    expect(answered).not.toHaveProperty('warning');
    expect(await world.token(ID)).toBeDefined();
  });

  it('keeps its token if only the schedule finds its session ended', async () => {
    const { world, vendor } = await byCode();
    vendor.script.push(() => answer({ error: 'invalid_grant' }, 400));
    await world.refresh(ID);
    expect(await world.token(ID)).toBeDefined();
  });
});
