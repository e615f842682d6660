import { describe, expect, it } from 'vitest';
import { GRACE } from '../../lib/core/retirement.ts';
import { type ConnectionId, hours, minutes } from '../../lib/core/types.ts';
import type { SecretListing } from '../../lib/ports.ts';
import { endingWorld, expectGone } from '../kit/ending.ts';
import { crashAt, failAlways, once } from '../kit/faults.ts';
import { nth } from '../kit/records.ts';
import { answer, BERGEN, codeWorld, ID, OSLO, SHARED, vendorWorld } from '../kit/vendor.ts';
import { PREFIX, type World } from '../kit/world.ts';

/** A secret is deleted by mistake, or seems to be, and is there again within minutes. */

/** The list is one of earlier, from now on. */
const listLags = async ({ stores }: World): Promise<() => void> => {
  const { secrets } = stores;
  const list: readonly SecretListing[] = await secrets.list(PREFIX);
  const inTime = secrets.list;
  Object.assign(secrets, { list: async () => [...list] });
  return () => void Object.assign(secrets, { list: inTime });
};

describe('a secret that is back within the grace period', () => {
  it('keeps token, session and the whole record, and is due at once under a new version', async () => {
    const { world } = await vendorWorld();
    const { discoveredVersion, ...before } = await world.record(ID);
    const token = await world.token(ID);
    await world.deleteSecret(ID);
    world.clock.pass(GRACE - 1);
    await world.tick('test-provider');
    expect(await world.restoreSecret(ID)).toMatchObject({ revived: [ID] });
    expect(await world.token(ID)).toEqual(token);
    expect(await world.refreshToken(ID)).toBe('refresh-1');
    const expected = { ...before, discoveredVersion, dueAt: world.clock.now(), version: nth(2) };
    expect(await world.record(ID)).toEqual(expected);
    expect(await world.tick('test-provider')).toMatchObject({ results: { refreshed: 1 } });
  });

  it.each([1, 2, 4])('costs nothing, after %i minutes, a connection that only a person can log in', async away => {
    const { world, vendor } = await codeWorld();
    await world.stores.secrets.delete(`${PREFIX}${ID}`);
    await world.minutes(away);
    const { accessToken } = await world.token(ID);
    expect(vendor.accepts(accessToken)).toBe(true);
    await world.stores.secrets.restore(`${PREFIX}${ID}`);
    await world.minutes(3);
    await world.run('test-provider', hours(12), minutes(5));
    expect(vendor.count('code')).toBe(0);
    expect(vendor.reused).toBe(0);
    expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
  });

  it('is revived although the list does not have it yet', async () => {
    const { world, vendor } = await codeWorld();
    await world.deleteSecret(ID);
    const caughtUp = await listLags(world);
    world.clock.pass(minutes(1));
    expect(await world.restoreSecret(ID)).toMatchObject({ revived: [ID], problems: [] });
    await world.minutes(10);
    caughtUp();
    await world.minutes(10);
    expect(vendor.reused).toBe(0);
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  });

  it('causes no problem while it is away', async () => {
    const { world } = await vendorWorld();
    await world.deleteSecret(ID);
    expect(await world.discover()).toMatchObject({ read: 1, problems: [], revived: [], retired: [] });
  });

  it('may not be readable for a while: it is revived once it is', async () => {
    const { world } = await vendorWorld();
    await world.deleteSecret(ID);
    await world.stores.secrets.restore(`${PREFIX}${ID}`);
    failAlways(world, 'before', 'secrets.get');
    for (const _ of ['once', 'and again']) expect(await world.discover()).toMatchObject({ revived: [] });
    delete world.hooks.before;
    expect(await world.discover()).toMatchObject({ revived: [ID] });
    expect(await world.token(ID)).toMatchObject({ version: nth(1) });
  });

  it('is deleted once more, and has its own grace period', async () => {
    const { world } = await vendorWorld();
    await world.deleteSecret(ID);
    world.clock.pass(GRACE - 1);
    await world.restoreSecret(ID);
    await world.deleteSecret(ID);
    world.clock.pass(GRACE - 1);
    await world.tick('test-provider');
    expect(await world.token(ID)).toBeDefined();
    world.clock.pass(1);
    await world.tick('test-provider');
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
  });
});

it('the grace period begins once the secret was found gone, even if that took long', async () => {
  const { world } = await vendorWorld();
  await world.stores.secrets.delete(`${PREFIX}${ID}`);
  once(world, 'after', 'secrets.get', () => world.clock.pass(minutes(4)));
  await world.discover();
  expect(await world.record(ID)).toMatchObject({ retiredAt: world.clock.now() });
});

describe('a key that is back within the grace period', () => {
  const shared = (...names: string[]) => ({
    connections: Object.fromEntries(names.map(name => [name, { code: `good-${name}` }])),
  });
  const many = async () => {
    const given = await codeWorld();
    await given.world.edit(SHARED, shared('oslo', 'bergen'));
    await given.world.tick('test-provider');
    expect(await given.world.edit(SHARED, shared('bergen'))).toMatchObject({ retired: [OSLO] });
    return given;
  };
  const isWell = async ({ world, vendor }: Awaited<ReturnType<typeof many>>, id: ConnectionId) => {
    await world.run('test-provider', hours(3), minutes(5));
    return vendor.reused === 0 && vendor.accepts((await world.token(id)).accessToken);
  };

  it('continues as if it had never been away', async () => {
    const given = await many();
    const { world } = given;
    await world.minutes(3);
    expect(await world.edit(SHARED, shared('oslo', 'bergen'))).toMatchObject({ revived: [OSLO], changed: [BERGEN] });
    expect(await isWell(given, OSLO)).toBe(true);
    expect(await isWell(given, BERGEN)).toBe(true);
  });

  it('is revived although the list has the version without it', async () => {
    const given = await many();
    const { world } = given;
    expect(await world.discover()).toMatchObject({ read: 1 });
    const caughtUp = await listLags(world);
    expect(await world.edit(SHARED, shared('oslo', 'bergen'))).toMatchObject({ revived: [OSLO] });
    await world.minutes(10);
    caughtUp();
    await world.minutes(2);
    expect(await isWell(given, OSLO)).toBe(true);
  });
});

describe('a worker that has the connection when its secret is deleted', () => {
  const points = [
    ['before', 'send'],
    ['after', 'send'],
    ['after', 'sessions.keep'],
    ['before', 'tokens.publish'],
    ['after', 'tokens.publish'],
    ['before', 'connections.settle'],
  ] as const;

  it.each(points)('%s %s, and restored with the same version: the token stays and is renewed', async (when, point) => {
    const { world, vendor } = await codeWorld();
    once(world, when, point, async () => {
      await world.deleteSecret(ID);
      await world.restoreSecret(ID);
    });
    expect(await world.refresh(ID)).toMatchObject({ result: 'lost' });
    expect(await world.token(ID)).toMatchObject({ version: nth(2) });
    for (let n = 0; n < 120; n += 1) {
      expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
      await world.minutes(1);
    }
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(vendor.count('code')).toBe(0);
    expect(vendor.reused).toBe(0);
  });

  it.each(points)('%s %s, and not restored: nothing of it is left after the grace period', async (when, point) => {
    const { world, tick, revoked } = await endingWorld();
    once(world, when, point, () => world.deleteSecret(ID));
    expect(await world.refresh(ID)).toMatchObject({ result: 'retired' });
    expect(await world.token(ID)).toMatchObject({ version: nth(2) });
    expect(revoked).toEqual(new Set());
    world.clock.pass(GRACE);
    await tick();
    await expectGone(world, ID);
    expect(revoked).toContain('refresh-2');
  });

  it('keeps it from others until its lease ends, though it came back meanwhile', async () => {
    const { world, vendor } = await codeWorld();
    await crashAt(world, 'after', 'send', () => world.refresh(ID));
    await world.deleteSecret(ID);
    await world.restoreSecret(ID);
    vendor.grants.length = 0;
    await world.tick('test-provider');
    expect(vendor.grants).toEqual([]);
    expect(await world.record(ID)).toHaveProperty('leaseUntil');
  });
});

describe('the end', () => {
  it('has begun: a secret that comes back now finds no token, and gets another', async () => {
    const { world, tick, deleteSecret } = await endingWorld();
    const before = await world.token(ID);
    await deleteSecret();
    once(world, 'before', 'tokens.withdraw', async () => {
      expect(await world.restoreSecret(ID)).toMatchObject({ revived: [ID] });
    });
    await tick();
    expect(await world.record(ID)).not.toHaveProperty('expiresAt');
    expect(await world.record(ID)).not.toHaveProperty('endedAt');
    await tick();
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect((await world.token(ID)).accessToken).not.toBe(before.accessToken);
  });

  it('takes the current token and session, even if they are newer than the list of records', async () => {
    const { world, tick, deleteSecret, replaceSecret, revoked } = await endingWorld();
    await deleteSecret();
    once(world, 'before', 'connections.beginEnd', async () => {
      // Meanwhile the secret comes back, gets a token, and has to make room for another one.
      await world.restoreSecret(ID);
      await world.refresh(ID);
      await replaceSecret();
      await world.discover();
    });
    await tick();
    await expectGone(world, ID);
    expect(revoked).toContain('refresh-2');
  });

  it('does not begin in the next grace period, though the list was from the one before', async () => {
    const { world, tick, deleteSecret, revoked } = await endingWorld();
    await deleteSecret();
    once(world, 'before', 'connections.beginEnd', async () => {
      await world.restoreSecret(ID);
      await deleteSecret(ID, 0);
    });
    await tick();
    expect(world.retired).toEqual([]);
    expect(revoked).toEqual(new Set());
    await world.restoreSecret(ID);
    expect(await world.token(ID)).toMatchObject({ version: nth(1) });
  });

  it('that was slow does not pass for that of the next retirement', async () => {
    const { world, tick, deleteSecret } = await endingWorld();
    await deleteSecret();
    once(world, 'before', 'connections.end', async () => {
      await world.restoreSecret(ID);
      await world.refresh(ID);
      await deleteSecret(ID, 0);
    });
    await tick();
    expect(await world.record(ID)).not.toHaveProperty('endedAt');
    expect(await world.token(ID)).toBeDefined();
    world.clock.pass(GRACE);
    await tick();
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
  });

  it('is begun by discovery if `refresh` does not: a secret that comes back then has no token', async () => {
    const { world } = await vendorWorld();
    await world.deleteSecret(ID);
    world.clock.pass(GRACE + minutes(10));
    await world.discover();
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
    expect(await world.restoreSecret(ID)).toMatchObject({ revived: [ID] });
    expect(await world.record(ID)).not.toHaveProperty('expiresAt');
  });

  it('has begun: the secret itself is read no more, unless it is listed', async () => {
    const { world, tick, answers, deleteSecret } = await endingWorld();
    answers(() => answer('', 503));
    await deleteSecret();
    expect(await world.discover()).toMatchObject({ read: 1 });
    await tick();
    expect(await world.discover()).toMatchObject({ read: 0 });
  });

  it('comes no later because discovery looks after it', async () => {
    const { world, tick } = await endingWorld();
    await world.deleteSecret(ID);
    world.clock.pass(GRACE + minutes(10));
    await world.discover();
    await tick();
    expect(world.retired).toEqual([`${ID} ended`]);
  });

  it('removes no record whose secret came back, and went again, since the records were listed', async () => {
    const { world, deleteSecret, end } = await endingWorld();
    await end();
    world.clock.pass(hours(1));
    once(world, 'before', 'connections.remove', async () => {
      await world.restoreSecret(ID);
      await world.refresh(ID);
      await deleteSecret(ID, 0);
    });
    await world.discover();
    expect(await world.record(ID)).toHaveProperty('retiredAt');
    expect(await world.token(ID)).toBeDefined();
  });
});
