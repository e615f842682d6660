import { describe, expect, it } from 'vitest';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { epochMs, hours, minutes, plus, version } from '../../lib/core/types.ts';
import { always, crashAt, deleteByHand, failOnce } from '../kit/faults.ts';
import { codeWorld, ID, lostAnswer, refusedGrant, SURELY_DUE, testProvider, vendorWorld } from '../kit/vendor.ts';
import { PREFIX, type World } from '../kit/world.ts';

/** The tables do not agree: an item was deleted, or one of them was restored to an earlier state. */

const read = { kind: 'ifNeeded', connection: ID, minTtl: 0, waits: true } as const;

const withdrawToken = async (world: World): Promise<void> =>
  world.stores.tokens.withdraw(ID, (await world.record(ID)).version);

describe('a token that is missing', () => {
  it('is obtained for its first reader, and that is reported', async () => {
    const { world, vendor } = await vendorWorld();
    await world.refresh(ID);
    await withdrawToken(world);
    expect(await world.onDemand(read)).toMatchObject({ result: 'refreshed' });
    expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
    expect(world.reports.at(-1)).toMatchObject({ repaired: true });
  });

  it('is not obtained for a reader who came a moment too early', async () => {
    const { world, vendor } = await vendorWorld();
    await world.refresh(ID);
    vendor.grants.length = 0;
    expect(await world.onDemand(read)).toMatchObject({ result: 'waiting', reason: 'fresh' });
    expect(vendor.grants).toEqual([]);
  });

  it('is the older one of a restored table: who has it refused gets a new one', async () => {
    const { world, vendor } = await vendorWorld();
    const old = await world.token(ID);
    await world.refresh(ID);
    await withdrawToken(world);
    await world.stores.tokens.publish({ ...old, expiresAt: plus(world.clock.now(), hours(1)) });
    const forced = { kind: 'force', connection: ID, issuedAt: old.issuedAt, waits: true } as const;
    expect(await world.onDemand(forced)).toMatchObject({ result: 'refreshed' });
    expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
  });
});

describe('a token that is missing, and a refresh token in doubt', () => {
  const inDoubt = async (reply: ((request: HttpRequest) => HttpReply) | undefined) => {
    const given = await vendorWorld({ secret: { code: 'good-1' } });
    const { world, vendor } = given;
    vendor.script.push(() => lostAnswer);
    await world.refresh(ID);
    vendor.script.push(reply);
    vendor.grants.length = 0;
    expect(await world.onDemand(read)).toMatchObject({ result: 'waiting', reason: 'attention' });
    await withdrawToken(world);
    return given;
  };

  it('is obtained for its first reader: there is nothing to protect', async () => {
    const { world, vendor } = await inDoubt(undefined);
    expect(await world.onDemand(read)).toMatchObject({ result: 'refreshed' });
    expect(vendor.grants).toEqual(['refresh']);
    expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  });

  it('is not obtained for the next one if that was refused', async () => {
    const { world, vendor } = await inDoubt(refusedGrant);
    expect(await world.onDemand(read)).toMatchObject({ result: 'attention' });
    expect(await world.onDemand(read)).toMatchObject({ result: 'waiting', reason: 'attention' });
    expect(vendor.grants).toEqual(['refresh']);
  });

  it.each([
    ['there was no answer', () => {}],
    ['the secret could not be read', (world: World) => failOnce(world, 'before', 'secrets.get')],
  ])('backs off if %s', async (_, prepare) => {
    const { world, vendor } = await inDoubt(() => lostAnswer);
    prepare(world);
    await world.onDemand(read);
    const calls = vendor.grants.length;
    expect(await world.onDemand(read)).toMatchObject({ result: 'waiting', reason: 'attention' });
    expect(vendor.grants).toHaveLength(calls);
    expect((await world.record(ID)).dueAt - world.clock.now()).toBeLessThanOrEqual(minutes(5));
  });
});

describe('a record of an earlier state', () => {
  const DAY = 300;
  /** As after a restore: the record and the session are old, the token is not. */
  const restored = async (secret?: object) => {
    const given = await vendorWorld({ provider: testProvider(), ...(secret && { secret }) });
    const { world } = given;
    await world.refresh(ID);
    const token = await world.token(ID);
    const later = { issuedAt: plus(token.issuedAt, 1), version: version(token.version + DAY) };
    await world.stores.tokens.publish({ ...token, ...later });
    given.vendor.grants.length = 0;
    return { ...given, token };
  };
  const withNewCode = async () => {
    const given = await restored({ code: 'good-1' });
    await given.world.edit(ID, { code: 'good-2' });
    return given;
  };

  it('publishes at its next run, under a version above that of the token, without its session, which was spent since', async () => {
    const { world, vendor, token } = await restored();
    world.clock.pass(SURELY_DUE);
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', repaired: true });
    const after = await world.token(ID);
    expect(after.version).toBe(token.version + DAY + 1);
    expect(after.accessToken).not.toBe(token.accessToken);
    expect(await world.record(ID)).toMatchObject({ version: after.version, status: 'healthy' });
    world.clock.pass(SURELY_DUE);
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    expect(world.reports.at(-1)).not.toHaveProperty('repaired');
    expect(vendor.grants).toEqual(['password', 'refresh']);
  });

  it('does not use its session either once a run that failed has raised the version', async () => {
    const { world, vendor } = await vendorWorld();
    const token = await world.token(ID);
    const issuedAt = plus(token.issuedAt, minutes(20));
    await world.stores.tokens.publish({ ...token, issuedAt, version: version(token.version + 1) });
    vendor.grants.length = 0;
    failOnce(world, 'before', 'secrets.get');
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 0 });
    world.clock.pass(minutes(1));
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    expect(vendor.grants).toEqual(['password']);
  });

  it('sends its only refresh token near the end of the token, and calls for a person meanwhile', async () => {
    const { world, vendor } = await restored({ code: 'good-1' });
    await world.run('test-provider', minutes(45), minutes(1));
    expect(vendor.grants).toEqual([]);
    expect(await world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'session_in_doubt' } });
    await world.run('test-provider', minutes(14), minutes(1));
    expect(vendor.grants).toEqual(['refresh']);
  });

  it.each([
    ['', () => {}],
    [
      ', even if the store fails to take that once more under the raised version',
      (world: World) => always(world, 'after', 'sessions.keep', () => failOnce(world, 'before', 'sessions.keep')),
    ],
  ])('redeems a new code, and uses its session from then on%s', async (_, prepare) => {
    const { world, vendor } = await withNewCode();
    prepare(world);
    await world.tick('test-provider');
    expect(world.reports.at(-1)).toMatchObject({ result: 'refreshed', repaired: true });
    const { session } = await world.record(ID);
    expect(session).toEqual({ version: (await world.stores.sessions.get(ID))?.version });
    await world.run('test-provider', hours(3), minutes(1));
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(vendor.grants.slice(0, 3)).toEqual(['code', 'refresh', 'refresh']);
  });

  it('recognises the new session as its own if the worker crashes before it has settled', async () => {
    const { world, vendor } = await withNewCode();
    await crashAt(world, 'before', 'connections.settle', () => world.tick('test-provider'));
    world.clock.pass(minutes(1));
    await world.tick('test-provider');
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(vendor.grants).toEqual(['code', 'refresh']);
  });

  it('does not redeem the new code again if the worker crashes once it has raised the version', async () => {
    const { world, vendor } = await withNewCode();
    await crashAt(world, 'after', 'connections.raise', () => world.tick('test-provider'));
    await world.run('test-provider', hours(3), minutes(1));
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(vendor.count('code')).toBe(1);
    expect(vendor.reused).toBe(0);
  });

  it('does not redeem a code that a token shows to be redeemed', async () => {
    const { world, vendor } = await vendorWorld({ secret: { code: 'good-1' }, refreshed: false });
    const { version: now } = await world.record(ID);
    const life = { issuedAt: epochMs(world.clock.now() - 1), expiresAt: plus(world.clock.now(), hours(1)) };
    const token = { accessToken: 'made-up', tokenType: 'Bearer', headers: {}, baseUrl: 'https://api.test' };
    await world.stores.tokens.publish({ connection: ID, ...token, ...life, version: version(now + 9) });
    await world.tick('test-provider');
    expect(vendor.grants).toEqual([]);
    expect(await world.record(ID)).toMatchObject({
      status: 'attention',
      lastError: { code: 'code_already_redeemed' },
    });
  });
});

describe('a record that was deleted by hand', () => {
  it('uses the stored session if a code is spent', async () => {
    const { world, vendor } = await codeWorld();
    await deleteByHand(world, ID);
    await world.discover();
    expect(await world.tick('test-provider')).toMatchObject({ results: { refreshed: 1 } });
    expect(vendor.grants).toEqual(['refresh']);
    await world.run('test-provider', hours(12), minutes(5));
    expect(vendor.count('code')).toBe(0);
    expect(vendor.reused).toBe(0);
  });

  it('logs in with the credentials, if there are any', async () => {
    const { world, vendor } = await vendorWorld();
    await deleteByHand(world, ID);
    await world.discover();
    await world.tick('test-provider');
    expect(vendor.grants).toEqual(['password']);
    expect(await world.refreshToken(ID)).toBe('refresh-2');
  });

  it('tries a new code if the session is refused', async () => {
    const { world, vendor } = await codeWorld();
    await world.put(ID, { code: 'good-2' });
    await deleteByHand(world, ID);
    vendor.script.push(request => vendor.answer({ refresh: `not ${request.body}` }));
    await world.discover();
    await world.tick('test-provider');
    expect(vendor.grants).toEqual(['refresh', 'code']);
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  });

  it('makes no use of a session of another secret', async () => {
    const { world, vendor } = await codeWorld();
    await deleteByHand(world, ID);
    await world.stores.secrets.erase(`${PREFIX}${ID}`);
    await world.edit(ID, { code: 'good-2' });
    await world.tick('test-provider');
    expect(vendor.grants).toEqual(['code']);
  });
});
