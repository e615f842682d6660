import { describe, expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { idOf } from '../support/records.ts';
import { testProvider, Vendor } from '../support/vendor.ts';
import { World } from '../support/world.ts';

const oslo = idOf('oslo');
const FIRST = 'test-provider/a-first';
const SECOND = 'test-provider/b-second';
const taken = (secret: string) => ({ secret: `token-refresher/${secret}`, code: 'name_taken', connection: oslo });

const secretWith = (owner: string, ...names: string[]) => ({
  owner,
  password: 'right',
  connections: Object.fromEntries(names.map(name => [name, {}])),
});

const started = async () => {
  let vendor: Vendor | undefined;
  const world = new World([testProvider()], request => (vendor as Vendor).handle(request));
  vendor = new Vendor(world.clock.now);
  return world;
};
/** The second secret had the name before the first one came to claim it too. */
const contested = async () => {
  const world = await started();
  await world.put(SECOND, secretWith('second', 'oslo', 'own'));
  await world.discover();
  await world.put(FIRST, secretWith('first', 'oslo', 'bergen'));
  return world;
};
const holder = async (world: World) => (await world.record(oslo)).secret.name;

describe('a name that two secrets claim', () => {
  it('goes to the first by name where nobody had it, and the other is reported', async () => {
    const world = await started();
    await world.put(SECOND, secretWith('second', 'oslo'));
    await world.put(FIRST, secretWith('first', 'oslo'));
    expect(await world.discover()).toMatchObject({ added: [oslo], problems: [taken(SECOND)] });
    expect(await holder(world)).toBe(`token-refresher/${FIRST}`);
  });

  it('stays with the one that had it, as often as one looks', async () => {
    const world = await contested();
    for (let round = 0; round < 3; round++) {
      expect((await world.discover()).problems).toEqual([taken(FIRST)]);
      expect(await holder(world)).toBe(`token-refresher/${SECOND}`);
    }
  });

  it('stays with it while its secret cannot be read: another customer’s credentials are not a stand-in', async () => {
    const world = await contested();
    await world.discover();
    await world.put(SECOND, secretWith('second, changed', 'oslo', 'own'));
    const { get } = world.stores.secrets;
    Object.assign(world.stores.secrets, {
      get: (name: string) => (name.endsWith(SECOND) ? Promise.reject(new Error('throttled')) : get(name)),
    });
    const report = await world.discover();
    expect(report.problems).toContainEqual(taken(FIRST));
    expect(report.retired).toEqual([]);
    expect(await holder(world)).toBe(`token-refresher/${SECOND}`);
    Object.assign(world.stores.secrets, { get });
    expect((await world.discover()).problems).toEqual([taken(FIRST)]);
    expect(await holder(world)).toBe(`token-refresher/${SECOND}`);
  });

  it('stays with it while its secret is missing from the list', async () => {
    const world = await contested();
    await world.discover();
    const { list } = world.stores.secrets;
    Object.assign(world.stores.secrets, {
      list: async (prefix: string) => (await list(prefix)).filter(({ name }) => !name.endsWith(SECOND)),
    });
    expect((await world.discover()).retired).toEqual([]);
    expect(await holder(world)).toBe(`token-refresher/${SECOND}`);
  });

  it('stays with it while its secret is malformed', async () => {
    const world = await contested();
    await world.discover();
    await world.put(SECOND, '{"connections":');
    await world.discover();
    expect(await holder(world)).toBe(`token-refresher/${SECOND}`);
  });

  it('goes to the other once the secret of the one that had it is gone', async () => {
    const world = await contested();
    await world.discover();
    await world.stores.secrets.delete(`token-refresher/${SECOND}`);
    const report = await world.discover();
    expect(report).toMatchObject({ retired: [idOf('own')], problems: [] });
    expect(report.changed).toContain(oslo);
    expect(await holder(world)).toBe(`token-refresher/${FIRST}`);
    // And no session or verdict of the old credentials is used with the new ones.
    expect(await world.tick('test-provider')).toMatchObject({ results: { failed: 0 } });
  });

  it('goes to the other once the one that had it lets go of the name', async () => {
    const world = await contested();
    await world.discover();
    await world.put(SECOND, secretWith('second', 'own'));
    await world.discover();
    expect(await holder(world)).toBe(`token-refresher/${FIRST}`);
    expect((await world.discover()).problems).toEqual([]);
  });

  it('goes to the other where the one that had it retired', async () => {
    const world = await started();
    await world.put(SECOND, secretWith('second', 'oslo'));
    await world.discover();
    await world.stores.secrets.delete(`token-refresher/${SECOND}`);
    await world.discover();
    world.clock.pass(minutes(5));
    await world.put(FIRST, secretWith('first', 'oslo'));
    expect(await world.discover()).toMatchObject({ revived: [oslo] });
    expect(await holder(world)).toBe(`token-refresher/${FIRST}`);
  });

  it('does not keep the others of either secret from their tokens', async () => {
    const world = await contested();
    await world.discover();
    await world.run('test-provider', hours(2), minutes(5));
    for (const name of ['oslo', 'own', 'bergen']) {
      expect((await world.token(idOf(name))).expiresAt).toBeGreaterThan(world.clock.now());
    }
  });
});
