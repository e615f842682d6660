import { expect, it } from 'vitest';
import { idOf } from '../support/records.ts';
import { ID, vendorWorld } from '../support/vendor.ts';
import { PREFIX, type World } from '../support/world.ts';

const SHARED = 'test-provider/shared';
const shared = (...names: string[]) => ({
  password: 'right',
  connections: Object.fromEntries(names.map(name => [name, {}])),
});

/** The process dies when its first write has had its effect: nothing that it does later ever ends. */
const diesAtFirstWrite = (world: World): Promise<'died'> =>
  new Promise(died => {
    world.hooks.after = at => {
      if (at !== 'connections.add' && at !== 'connections.noteSecret') return Promise.resolve();
      died('died');
      return new Promise(() => {});
    };
  });

it.each([1, 8])('a discovery that dies at its first write leaves nothing new unfound, beside %i known', async count => {
  const { world } = await vendorWorld();
  const known = Array.from({ length: count }, (_, n) => `known-${n}`);
  await world.put(SHARED, shared(...known));
  await world.discover();
  await world.put(SHARED, shared(...known, 'oslo'));
  const died = diesAtFirstWrite(world);
  void world.discover();
  await died;
  delete world.hooks.after;
  await world.discover();
  const { secretVersion } = await world.record(idOf('oslo'));
  for (const name of known) expect(await world.record(idOf(name))).toMatchObject({ secretVersion });
  expect(await world.discover()).toMatchObject({ read: 0, connections: count + 2, added: [], changed: [] });
});

it('a token that cannot be read stops no retirement, neither its own nor another’s', async () => {
  const { world } = await vendorWorld();
  const oslo = await world.add(idOf('oslo'), { password: 'right' });
  await world.refresh(oslo);
  for (const id of [ID, oslo]) await world.stores.secrets.delete(`${PREFIX}${id}`);
  world.hooks.before = async at => {
    if (at === 'tokens.get') throw new Error('the record is broken');
  };
  const { retired } = await world.discover();
  delete world.hooks.before;
  expect(retired.toSorted()).toEqual([ID, oslo]);
  for (const id of [ID, oslo]) {
    expect(await world.record(id)).toHaveProperty('retiredAt');
    expect(await world.stores.tokens.get(id)).toBeUndefined();
  }
});
