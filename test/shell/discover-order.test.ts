import { expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
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
  const { secretVersion } = await world.record(idOf('shared/oslo'));
  for (const name of known) expect(await world.record(idOf(`shared/${name}`))).toMatchObject({ secretVersion });
  expect(await world.discover()).toMatchObject({ read: 0, connections: count + 2, added: [], changed: [] });
});

it('a first discovery that dies after some of the connections of a secret is completed by the next', async () => {
  const { world } = await vendorWorld();
  const names = Array.from({ length: 12 }, (_, n) => `c${n}`);
  await world.put(SHARED, shared(...names));
  let adds = 0;
  const died = new Promise<void>(resolve => {
    world.hooks.before = at => {
      if (at !== 'connections.add' || ++adds <= 4) return Promise.resolve();
      resolve();
      return new Promise(() => {});
    };
  });
  void world.discover();
  await died;
  delete world.hooks.before;
  await world.discover();
  for (const name of names) expect(await world.record(idOf(`shared/${name}`))).toHaveProperty('secretVersion');
  expect(await world.discover()).toMatchObject({ read: 0, added: [] });
});

it('what the store does not take stops no other change, is reported, and comes the next time', async () => {
  const { world } = await vendorWorld();
  await world.put(SHARED, shared('oslo', 'bergen'));
  const gone = await world.add(idOf('gone'), { password: 'right' });
  for (const id of [ID, gone]) await world.stores.secrets.delete(`${PREFIX}${id}`);
  await world.put('test-provider/more', shared('a', 'b', 'c'));
  let refuse = true;
  world.hooks.before = async at => {
    if (refuse && (at === 'connections.add' || at === 'connections.retire')) {
      refuse = at !== 'connections.retire';
      throw new RefresherError('store_failed', 'throttled');
    }
  };
  const report = await world.discover();
  expect(report.failures).toHaveLength(4);
  expect(report.retired).toHaveLength(1);
  delete world.hooks.before;
  const next = await world.discover();
  expect(next).toMatchObject({ failures: [], added: [expect.anything(), expect.anything(), expect.anything()] });
  expect(next.retired).toHaveLength(1);
});
