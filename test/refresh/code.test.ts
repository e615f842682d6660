import { describe, expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { always, crashAt, failOnce } from '../kit/faults.ts';
import { answer, codeWorld, ID, lostAnswer, refusedGrant, type VendorWorld, vendorWorld } from '../kit/vendor.ts';

/** A code works once. */

describe('a code', () => {
  /** A minute later, the next worker takes over; an hour later, its session has renewed the token. */
  const expectRedeemedOnce = async ({ world, vendor }: VendorWorld) => {
    world.clock.pass(minutes(1));
    await world.tick('test-provider');
    await world.run('test-provider', hours(2), minutes(5));
    expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
    expect(vendor.count('code')).toBe(1);
    expect(vendor.reused).toBe(0);
  };
  const points = [
    ['after', 'sessions.keep'],
    ['before', 'tokens.publish'],
    ['after', 'tokens.publish'],
    ['before', 'connections.settle'],
    ['after', 'connections.settle'],
  ] as const;

  it.each(points)('is redeemed once if its worker dies %s %s: twice would end its session', async (when, point) => {
    const given = await codeWorld({ refreshed: false });
    await crashAt(given.world, when, point, () => given.world.tick('test-provider'));
    await expectRedeemedOnce(given);
  });

  it.each([['before', 'sessions.keep'] as const, ...points])(
    'is redeemed once if the store fails %s %s',
    async (when, point) => {
      const given = await codeWorld({ refreshed: false });
      failOnce(given.world, when, point);
      await given.world.tick('test-provider');
      await expectRedeemedOnce(given);
    },
  );

  it('is redeemed once if its worker dies and its session cannot be tried at once', async () => {
    const given = await codeWorld({ refreshed: false });
    await crashAt(given.world, 'before', 'connections.settle', () => given.world.tick('test-provider'));
    given.vendor.script.push(
      () => answer('', 503),
      () => lostAnswer,
      () => answer('', 500),
    );
    given.world.clock.pass(minutes(1));
    await given.world.tick('test-provider');
    // The same code in a new version of the secret does not count as new.
    await given.world.edit(ID, { code: 'good-1', note: 'changed' });
    await expectRedeemedOnce(given);
  });

  it('that is new is redeemed even if the worker before died before it sent it', async () => {
    const given = await codeWorld();
    await given.world.edit(ID, { code: 'good-2' });
    await crashAt(given.world, 'before', 'send', () => given.world.tick('test-provider'));
    given.world.clock.pass(minutes(1));
    await given.world.tick('test-provider');
    expect(given.vendor.grants).toEqual(['code']);
    expect(await given.world.record(ID)).toMatchObject({ status: 'healthy', failures: 0 });
  });

  it('that is spent, with no session left, is not sent again but reported', async () => {
    const { world, vendor } = await codeWorld();
    vendor.script.push(() => answer({ access_token: 'last', expires_in: 3600 }));
    await world.edit(ID, { code: 'good-2' });
    await world.tick('test-provider');
    world.clock.pass(minutes(40));
    expect(await world.refresh(ID)).toMatchObject({
      result: 'attention',
      calls: 0,
      error: { code: 'code_already_redeemed' },
    });
  });

  it('that is new in the secret is redeemed at once', async () => {
    const given = await codeWorld();
    given.vendor.script.push(refusedGrant);
    await given.world.refresh(ID);
    await given.world.edit(ID, { code: 'good-2' });
    expect(await given.world.tick('test-provider')).toMatchObject({ results: { refreshed: 1 } });
    expect(given.vendor.grants).toEqual(['refresh', 'code']);
  });
});

describe('a session that is refused, and a secret that has not been read since', () => {
  const refusedWith = async (secret: object) => {
    const given = await codeWorld();
    const warm = given.world.worker();
    await given.world.refresh(ID, warm);
    given.vendor.grants.length = 0;
    await given.world.put(ID, secret);
    given.vendor.script.push(refusedGrant);
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
    const given = await codeWorld();
    await given.world.edit(ID, { code: 'dead' });
    given.vendor.grants.length = 0;
    return given;
  };

  it('leaves the session of the old one, which renews', async () => {
    const { world, vendor } = await withDeadCode();
    expect(await world.tick('test-provider')).toMatchObject({ results: { refreshed: 1 } });
    await world.refresh(ID);
    expect(vendor.grants).toEqual(['code', 'refresh', 'refresh']);
    expect(vendor.reused).toBe(0);
  });

  it('keeps it if the answer to the code is lost', async () => {
    const { world, vendor } = await withDeadCode();
    vendor.script.push(() => lostAnswer);
    expect(await world.tick('test-provider')).toMatchObject({ results: { failed: 1 }, calls: 1 });
    expect(await world.refreshToken(ID)).toBe('refresh-1');
  });

  it('needs attention if the session is refused too, and reports why', async () => {
    const { world, vendor } = await withDeadCode();
    vendor.script.push(undefined, refusedGrant);
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
    const { world, vendor } = await codeWorld();
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
    const { world, vendor } = await codeWorld();
    await world.edit(ID, { code: 'dead' });
    vendor.grants.length = 0;
    always(world, 'after', 'send', () => failOnce(world, 'before', 'secrets.get'));
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 1 });
    expect(vendor.grants).toEqual(['code']);
  });
});

it('a session that was refused before a code was tried in vain is not tried again', async () => {
  const { world, vendor } = await vendorWorld({ secret: { code: 'good-1' } });
  // A new code, whose predecessor's session is refused, and whose own answer is lost.
  await world.edit(ID, { code: 'good-2' });
  vendor.script.push(() => lostAnswer);
  await world.refresh(ID);
  vendor.script.push(refusedGrant, () => lostAnswer);
  await world.refresh(ID);
  expect(await world.record(ID)).not.toHaveProperty('session');
});
