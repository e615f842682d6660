import { describe, expect, it } from 'vitest';
import { GRACE, RETIRED_FOR } from '../../lib/core/retirement.ts';
import { hours, minutes } from '../../lib/core/types.ts';
import { expectGone } from '../kit/ending.ts';
import { failAlways, once } from '../kit/faults.ts';
import { idOf, nth, secretNoteOf } from '../kit/records.ts';
import { BERGEN, ID, OSLO, packed, SHARED, vendorWorld } from '../kit/vendor.ts';
import type { World } from '../kit/world.ts';

describe('a new secret', () => {
  it('is a connection, due at once', async () => {
    const { world } = await vendorWorld({ refreshed: false });
    expect(await world.record(ID)).toEqual({
      connection: ID,
      status: 'new',
      dueAt: world.clock.now(),
      version: nth(0),
      failures: 0,
      ...secretNoteOf('000001:version-1'),
    });
  });

  it('of many connections is each of them, and not itself', async () => {
    const { world } = await vendorWorld();
    const report = await world.edit(SHARED, packed(['oslo', 'bergen']));
    expect(report.added.toSorted()).toEqual([BERGEN, OSLO]);
    expect(report).toMatchObject({ secrets: 2, connections: 3, problems: [] });
    await world.tick('test-provider');
    expect((await world.token(OSLO)).accessToken).not.toBe((await world.token(BERGEN)).accessToken);
    expect(await world.stores.connections.get(idOf('shared'))).toBeUndefined();
  });

  it.each<[string, string, string | undefined, object?]>([
    ['bad_secret_name', 'test-provider/a/b', '{}'],
    ['unknown_provider', 'nobody/acme', '{}'],
    ['no_value', 'test-provider/empty', undefined],
    ['bad_connection_key', 'test-provider/many', '{"connections":{"planted key":{}}}', { count: 1 }],
    [
      'too_many_connections',
      'test-provider/many',
      JSON.stringify(packed(Array.from({ length: 201 }, (_, n) => `k${n}`))),
    ],
    ['secret_malformed', 'test-provider/broken', '{"passw'],
  ])('that cannot be used is a problem (%s), and stops no other', async (code, name, text, more = {}) => {
    const { world } = await vendorWorld();
    await world.stores.secrets.put(`token-refresher/${name}`, text);
    const report = await world.edit(SHARED, packed(['oslo']));
    expect(report.problems).toEqual([{ secret: `token-refresher/${name}`, code, ...more }]);
    expect(report.added).toContain(OSLO);
    expect(JSON.stringify(report)).not.toContain('planted');
  });

  it('that is malformed is seen as a connection in need of a person, and recovers when it is corrected', async () => {
    const { world, vendor } = await vendorWorld();
    await world.edit(ID, '{"passw');
    await world.tick('test-provider');
    expect(await world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'secret_malformed' } });
    await world.edit(ID, { password: vendor.password });
    await world.tick('test-provider');
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  });
});

describe('a secret that was read before', () => {
  it('is not read again while it has one connection and the same version', async () => {
    const { world } = await vendorWorld();
    expect(await world.discover()).toMatchObject({ read: 0, connections: 1, added: [], changed: [], retired: [] });
    expect(world.log).not.toContain('secrets.get');
  });

  it('makes its connection due when it changes', async () => {
    const { world } = await vendorWorld();
    expect(await world.edit(ID, { password: 'right', note: 'new' })).toMatchObject({ read: 1, changed: [ID] });
    expect(await world.discover()).toMatchObject({ read: 0, changed: [] });
    expect(await world.tick('test-provider')).toMatchObject({ due: 1 });
  });

  // A cold worker reads the new version, and notes it as the one that exists.
  it.each([
    ['gets a new one', ['oslo'], ['oslo', 'bergen'], { added: [BERGEN], retired: [] }],
    ['loses one', ['oslo', 'bergen'], ['oslo'], { added: [], retired: [BERGEN], changed: [OSLO] }],
  ])('of many connections %s even if a refresh has read it first', async (_, before, after, report) => {
    const { world } = await vendorWorld();
    await world.edit(SHARED, packed(before));
    await world.put(SHARED, packed(after));
    for (const key of before.toReversed()) await world.refresh(idOf(`shared/${key}`));
    expect(await world.discover()).toMatchObject(report);
  });

  it('becomes many connections even if a refresh has read it first', async () => {
    const { world } = await vendorWorld();
    await world.put(ID, packed(['oslo', 'bergen']));
    const inside = [idOf('acme/bergen'), idOf('acme/oslo')];
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 0, error: { code: 'secret_missing' } });
    const report = await world.discover();
    expect(report.added.toSorted()).toEqual(inside);
    expect(report.retired).toEqual([ID]);
  });

  it('notes its change under a running refresh, or the next time', async () => {
    const { world, vendor } = await vendorWorld();
    once(world, 'before', 'send', async () => {
      vendor.password = 'newer';
      await world.edit(ID, { password: 'newer' });
    });
    await world.refresh(ID);
    await world.discover();
    const { discoveredVersion: known, usedVersion } = await world.record(ID);
    expect(known).not.toBe(usedVersion);
    await world.tick('test-provider');
    expect(await world.record(ID)).toMatchObject({ status: 'healthy', usedVersion: known });
  });
});

describe('a secret that is gone', () => {
  it('takes its connection and its token with it, and the record after an hour', async () => {
    const { world } = await vendorWorld();
    expect(await world.deleteSecret(ID)).toMatchObject({ retired: [ID], removed: [] });
    world.clock.pass(GRACE - 1);
    expect(await world.tick('test-provider')).toMatchObject({ connections: 0, due: 0 });
    expect(world.retired).toEqual([]);
    expect(await world.token(ID)).toBeDefined();
    expect(await world.refreshToken(ID)).toBeDefined();
    world.clock.pass(1);
    await world.tick('test-provider');
    expect(world.retired).toEqual([`${ID} ended`]);
    await expectGone(world, ID);
    world.clock.pass(RETIRED_FOR - GRACE - 1);
    expect(await world.discover()).toMatchObject({ retired: [], removed: [] });
    world.clock.pass(1);
    expect(await world.discover()).toMatchObject({ removed: [ID] });
    expect(await world.stores.connections.get(ID)).toBeUndefined();
    expect(await world.discover()).toMatchObject({ removed: [], retired: [] });
  });

  it('takes back, once more, what a late writer published meanwhile', async () => {
    const { world } = await vendorWorld();
    const late = await world.token(ID);
    await world.deleteSecret(ID);
    world.clock.pass(GRACE);
    await world.tick('test-provider');
    await world.stores.tokens.publish(late);
    world.clock.pass(hours(1));
    await world.discover();
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
  });

  it('loses its token ten minutes late even if no refresher runs, and its record only once it has ended', async () => {
    const { world } = await vendorWorld();
    await world.deleteSecret(ID);
    world.clock.pass(GRACE + minutes(10) - 1);
    await world.discover();
    expect(await world.stores.tokens.get(ID)).toBeDefined();
    world.clock.pass(1);
    await world.discover();
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
    world.clock.pass(hours(5));
    expect(await world.discover()).toMatchObject({ removed: [] });
    await world.tick('test-provider');
    expect(await world.discover()).toMatchObject({ removed: [ID] });
  });

  it.each([
    ['after', 'secrets.get', 'its'],
    ['after', 'connections.retire', 'its'],
    ['after', 'secrets.list', 'a later'],
  ] as const)('that comes back while, %s %s, %s discovery slept gets a token and keeps it', async (...sleeps) => {
    const [when, operation, which] = sleeps;
    const { world } = await vendorWorld();
    const secret = `token-refresher/${ID}`;
    const settle = async () => {
      for (const _ of ['revives it', 'finds it in order']) await world.discover();
      await world.tick('test-provider');
    };
    await world.stores.secrets.delete(secret);
    if (which === 'a later') await world.discover();
    once(world, when, operation, async () => {
      await world.stores.secrets.restore(secret);
      world.clock.pass(minutes(2));
      await settle();
    });
    await world.discover();
    expect(world.hooks[when]).toBeUndefined();
    await settle();
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(await world.stores.tokens.get(ID)).toBeDefined();
  });

  it('that comes back revives its connection, which is due at once and publishes', async () => {
    const { world } = await vendorWorld();
    await world.deleteSecret(ID);
    world.clock.pass(minutes(10));
    expect(await world.restoreSecret(ID)).toMatchObject({ revived: [ID] });
    expect(await world.record(ID)).toMatchObject({ dueAt: world.clock.now() });
    expect(await world.tick('test-provider')).toMatchObject({ results: { refreshed: 1 } });
  });

  it('that comes back after its record was removed starts from the beginning, and late writes for the old one do not touch its token', async () => {
    const { world } = await vendorWorld();
    for (const _ of ['a', 'few', 'versions']) await world.refresh(ID);
    const late = await world.token(ID);
    await world.deleteSecret(ID);
    world.clock.pass(GRACE);
    await world.tick('test-provider');
    world.clock.pass(hours(1));
    await world.discover();
    await world.restoreSecret(ID);
    await world.tick('test-provider');
    const first = await world.token(ID);
    expect(first.version).toBeGreaterThan(late.version);
    expect(await world.stores.tokens.publish(late)).toBe(false);
    await world.stores.tokens.withdraw(ID, late.version);
    expect(await world.token(ID)).toEqual(first);
  });
});

describe('hearsay retires nothing', () => {
  const isEmpty = (world: World) => void Object.assign(world.stores.secrets, { list: async () => [] });
  const fails = (operation: string) => (world: World) => failAlways(world, 'before', operation);

  it.each<[string, ...((world: World) => void)[]]>([
    ['a list that is empty by mistake', isEmpty],
    ['a list that cannot be had', fails('secrets.list')],
    ['a list that is empty and a secret that cannot be read', isEmpty, fails('secrets.get')],
  ])('such as %s', async (_, ...faults) => {
    const { world } = await vendorWorld();
    for (const fault of faults) fault(world);
    await world.discover().catch(() => undefined);
    expect(await world.record(ID)).not.toHaveProperty('retiredAt');
    expect(await world.token(ID)).toMatchObject({ version: nth(1) });
  });

  it('such as a changed secret that cannot be read', async () => {
    const { world } = await vendorWorld();
    failAlways(world, 'before', 'secrets.get');
    expect(await world.edit(ID, { password: 'newer' })).toMatchObject({
      retired: [],
      problems: [{ code: 'secret_unreadable' }],
    });
  });

  it('such as a secret that is being corrected', async () => {
    const { world } = await vendorWorld();
    await world.edit(SHARED, packed(['oslo', 'bergen']));
    const problems = [{ code: 'secret_malformed' }];
    expect(await world.edit(SHARED, '{"connections": {"oslo": ')).toMatchObject({ retired: [], problems });
    expect(await world.edit(SHARED, packed(['oslo', 'bergen']))).toMatchObject({ retired: [], problems: [] });
  });
});
