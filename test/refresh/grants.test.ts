import { describe, expect, it } from 'vitest';
import { hours, minutes, seconds } from '../../lib/core/types.ts';
import { always, failAlways } from '../kit/faults.ts';
import { answer, ID, lostAnswer, testProvider, vendorWorld } from '../kit/vendor.ts';
import { PREFIX } from '../kit/world.ts';

const refused = () => answer({ error: 'invalid_grant' }, 401);
const lost = () => lostAnswer;

describe('a session', () => {
  it('is used once, and the one that came for it the next time', async () => {
    const { world, vendor } = await vendorWorld();
    for (let round = 0; round < 5; round++) {
      await world.refresh(ID);
      world.clock.pass(minutes(30));
    }
    expect(vendor.grants).toEqual(Array(5).fill('refresh'));
    expect(vendor.reused).toBe(0);
  });

  it.each([
    ['refused', refused],
    ['rejected without a word', () => answer('', 401)],
    ['answered by silence', lost],
    ['answered by nonsense', () => answer('<html>')],
    ['answered by a breakdown', () => answer('', 500)],
  ])('that is %s costs one login in the same run, and is not sent again', async (_, first) => {
    const { world, vendor } = await vendorWorld();
    vendor.script.push(first);
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', calls: 2 });
    expect(vendor.grants).toEqual(['refresh', 'password']);
    expect(await world.refreshToken(ID)).toBe('refresh-2');
  });

  it.each([
    ['limited', () => answer('', 429)],
    ['overloaded', () => answer('', 503)],
    ['out of reach', () => ({ kind: 'failed', code: 'network', sent: false }) as const],
  ])('that was surely not used, the provider being %s, is kept for the next run', async (_, first) => {
    const { world, vendor } = await vendorWorld();
    vendor.script.push(first);
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 1 });
    world.clock.pass(minutes(5));
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', calls: 1 });
    expect(vendor.grants).toEqual(['refresh', 'refresh']);
  });

  it('that may be spent is forgotten even if the login after it fails', async () => {
    const { world, vendor } = await vendorWorld();
    vendor.script.push(lost, lost);
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 2 });
    expect(await world.record(ID)).not.toHaveProperty('session');
    await world.refresh(ID);
    expect(vendor.grants).toEqual(['refresh', 'password', 'password']);
  });

  it('of other credentials is not used for new ones', async () => {
    const { world, vendor } = await vendorWorld();
    await world.edit(ID, { password: 'right', client: 'new' });
    expect(await world.tick('test-provider')).toMatchObject({ due: 1, results: { refreshed: 1 } });
    expect(vendor.grants).toEqual(['password']);
  });
});

describe('a refused login', () => {
  it('is tried once more if the secret has changed', async () => {
    const { world, vendor } = await vendorWorld({ refreshed: false });
    const deps = world.worker();
    await world.refresh(ID, deps);
    vendor.password = 'newer';
    await world.put(ID, { password: 'newer' });
    world.clock.pass(minutes(5));
    vendor.script.push(refused, undefined, undefined);
    // The worker has cached the old secret, and the new one is not discovered yet.
    expect(await world.refresh(ID, deps)).toMatchObject({ result: 'refreshed', calls: 2 });
    const record = await world.record(ID);
    expect(record.settledVersion).toBe(record.discoveredVersion);
    expect(record.usedVersion).not.toBe(record.discoveredVersion);
    expect(record.lastError).toBeUndefined();
  });

  it('is a verdict if the secret is the same: one call and one read of the secret', async () => {
    const { world, vendor } = await vendorWorld({ refreshed: false });
    vendor.password = 'changed by somebody';
    expect(await world.refresh(ID)).toMatchObject({ result: 'attention', calls: 1, error: { code: 'invalid_grant' } });
    expect(world.log.filter(each => each === 'secrets.get')).toHaveLength(3);
  });

  describe('while the secret cannot be read again', () => {
    const inTheDark = async (locksAccounts: boolean) => {
      const given = await vendorWorld({ refreshed: false, provider: testProvider({ locksAccounts }) });
      const deps = given.world.worker();
      given.vendor.password = 'other';
      always(given.world, 'after', 'send', () => failAlways(given.world, 'before', 'secrets.get'));
      expect(await given.world.refresh(ID, deps)).toMatchObject({ result: 'failed', calls: 1 });
      for (let round = 0; locksAccounts && round < 3; round++) {
        given.world.clock.pass(minutes(5));
        expect(await given.world.refresh(ID, deps)).toMatchObject({ result: 'failed', calls: 0 });
      }
      delete given.world.hooks.before;
      delete given.world.hooks.after;
      given.world.clock.pass(minutes(5));
      return { ...given, deps };
    };

    it('gives no verdict yet, and becomes one without another login once the secret proves to be the same', async () => {
      const { world, deps } = await inTheDark(true);
      expect(await world.refresh(ID, deps)).toMatchObject({
        result: 'attention',
        calls: 0,
        error: { code: 'invalid_grant' },
      });
    });

    it('is not a verdict if the secret has changed', async () => {
      const { world, vendor, deps } = await inTheDark(true);
      await world.put(ID, { password: vendor.password });
      expect(await world.refresh(ID, deps)).toMatchObject({ result: 'refreshed', calls: 1 });
    });

    it('is tried again if logins lock nothing', async () => {
      const { world, deps } = await inTheDark(false);
      expect(await world.refresh(ID, deps)).toMatchObject({ result: 'attention', calls: 1 });
    });
  });

  it('twice, with the old secret and with the new one, is a verdict on the new one', async () => {
    const { world, vendor } = await vendorWorld({ refreshed: false });
    const deps = world.worker();
    await world.refresh(ID, deps);
    vendor.password = 'nobody knows it';
    await world.put(ID, { password: 'wrong as well' });
    world.clock.pass(minutes(40));
    vendor.script.push(refused, refused, refused, refused);
    const report = await world.refresh(ID, deps);
    expect(report).toMatchObject({ result: 'attention', calls: 3 });
    const record = await world.record(ID);
    expect(record.settledVersion).toBe(record.discoveredVersion);
    expect(record.usedVersion).not.toBe(record.discoveredVersion);
    expect(vendor.grants.slice(1)).toEqual(['refresh', 'password', 'password']);
  });

  it('gives way to a secret that is malformed by now', async () => {
    const { world, vendor } = await vendorWorld({ refreshed: false });
    const deps = world.worker();
    await world.refresh(ID, deps);
    await world.put(ID, '{"passwor');
    world.clock.pass(minutes(58));
    vendor.script.push(refused, refused);
    expect(await world.refresh(ID, deps)).toMatchObject({ result: 'attention', error: { code: 'secret_malformed' } });
  });
});

describe('a run', () => {
  it('of two steps sends two requests, and stops if the first gives no code', async () => {
    const exchange = (first: Readonly<Record<string, unknown>>) =>
      first.code === 'c'
        ? ({ method: 'POST', url: 'https://login.test/2', headers: {}, body: '{"password":"right"}' } as const)
        : undefined;
    const provider = testProvider({}, { exchange });
    const { world, vendor } = await vendorWorld({ provider, refreshed: false });
    vendor.script.push(() => answer({ code: 'c' }));
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', calls: 2 });
    vendor.script.push(() => answer({ code: 7 }));
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 1, error: { code: 'malformed_answer' } });
  });

  it('begins no call that has no time to end, and none of its calls outlasts the deadline', async () => {
    const { world, vendor } = await vendorWorld();
    always(world, 'after', 'send', () => world.clock.pass(world.deadlines.at(-1) ?? 0));
    vendor.script.push(lost, lost);
    const began = world.clock.now();
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', error: { code: 'timeout' } });
    expect(world.deadlines).toEqual([seconds(8), seconds(8)]);
    expect(world.clock.now() - began).toBeLessThan(world.policy.lease);
    expect(vendor.grants).toEqual(['refresh', 'password']);
  });

  it('gives its last call only what is left of its time', async () => {
    const { world, vendor } = await vendorWorld();
    const deps = world.worker();
    await deps.credentials.read(world.providerOf(ID), ID, undefined);
    await world.put(ID, { password: 'wrong as well' });
    vendor.password = 'nobody knows it';
    vendor.script.push(refused);
    always(world, 'before', 'send', () => world.clock.pass(seconds(8)));
    expect(await world.refresh(ID, deps)).toMatchObject({ result: 'attention', calls: 3 });
    expect(world.deadlines).toEqual([seconds(8), seconds(8), seconds(4)]);
  });

  it('whose time is up before its first call makes none, and takes its session for unspent', async () => {
    const { world } = await vendorWorld();
    always(world, 'after', 'secrets.get', () => world.clock.pass(seconds(19.5)));
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 0, error: { code: 'timeout' } });
    expect(await world.refreshToken(ID)).toBe('refresh-1');
  });

  it.each([
    ['is wrong in a field', '{"note":"nothing"}', 'attention', 'secret_invalid'],
    ['is malformed', '[]', 'attention', 'secret_malformed'],
    ['is gone', undefined, 'failed', 'secret_missing'],
  ])('whose secret %s makes no call', async (_, text, result, code) => {
    const { world } = await vendorWorld();
    await world.stores.secrets.put(`${PREFIX}${ID}`, text);
    expect(await world.refresh(ID)).toMatchObject({ result, calls: 0, error: { code } });
  });

  it('whose secret cannot be read repeats no word of the store', async () => {
    const { world } = await vendorWorld();
    world.hooks.before = async operation => {
      if (operation === 'secrets.get') throw new Error('planted-words');
    };
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', error: { code: 'secret_unreadable' } });
    expect(JSON.stringify(await world.record(ID))).not.toContain('planted-words');
  });
});

it('an answer that took longer than its token is valid leads to a renewal at once, at most once a tick', async () => {
  const { world, vendor } = await vendorWorld({ refreshed: false });
  vendor.life = seconds(1);
  always(world, 'after', 'send', () => world.clock.pass(seconds(3)));
  const calls = await world.run('test-provider', hours(1), minutes(1));
  expect(calls).toBeLessThanOrEqual(60);
});
