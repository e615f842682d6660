import { expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import { GRACE } from '../../lib/core/retirement.ts';
import { minutes } from '../../lib/core/types.ts';
import { deleteByHand } from '../kit/faults.ts';
import { idOf } from '../kit/records.ts';
import { ID, OSLO, packed, SHARED, vendorWorld } from '../kit/vendor.ts';
import { PREFIX, type World } from '../kit/world.ts';

const WRITES = ['add', 'noteSecret', 'retire', 'revive', 'replace', 'remove', 'beginEnd'].map(
  each => `connections.${each}`,
);

/** A discovery crashes after `n` writes: nothing after them ever begins. False: it had no more writes. */
const diesAfter = async (world: World, n: number): Promise<boolean> => {
  let writes = 0;
  const died = new Promise<boolean>(resolve => {
    world.hooks.before = at => {
      if (!WRITES.includes(at)) return Promise.resolve();
      writes += 1;
      if (writes <= n) return Promise.resolve();
      resolve(true);
      return new Promise(() => {});
    };
  });
  const over = world.discover().then(() => false);
  const result = await Promise.race([died, over]);
  delete world.hooks.before;
  return result;
};

/** The content of a secret when discovery last completed, and its content when the next one crashes. */
const changes: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['a first discovery', [], ['a', 'b', 'c', 'd']],
  ['one that finds a new key', ['a', 'b', 'c'], ['a', 'b', 'c', 'd']],
  ['one that finds a changed secret', ['a', 'b', 'c'], ['a', 'b', 'c']],
  ['one that finds a key removed', ['a', 'b', 'c', 'd'], ['a', 'b']],
  ['one that finds keys replaced', ['a', 'b'], ['b', 'c', 'd']],
];

it.each(changes)('%s, and crashes after any of its writes, is completed by the next', async (_, before, after) => {
  for (let n = 1; ; n += 1) {
    const { world } = await vendorWorld();
    if (before.length > 0) await world.edit(SHARED, packed(before));
    await world.put(SHARED, { ...packed(after), note: 'changed' });
    if (!(await diesAfter(world, n))) return expect(n).toBeGreaterThan(1);
    // What it had begun comes to its end.
    await new Promise(setImmediate);
    const { connections } = await world.discover();
    expect([n, connections]).toEqual([n, after.length + 1]);
    const versions = await Promise.all(
      after.map(async key => (await world.record(idOf(`shared/${key}`))).discoveredVersion),
    );
    expect([n, new Set(versions).size]).toEqual([n, 1]);
    for (const key of before.filter(each => !after.includes(each))) {
      expect(await world.record(idOf(`shared/${key}`))).toHaveProperty('retiredAt');
    }
    expect(await world.discover()).toMatchObject({ added: [], changed: [], retired: [], revived: [] });
  }
});

it('a record of a packed secret that was deleted by hand is there again after the next discovery', async () => {
  const { world } = await vendorWorld();
  await world.edit(SHARED, packed(['oslo', 'bergen']));
  await world.tick('test-provider');
  expect(await world.discover()).toMatchObject({ read: 0 });
  await deleteByHand(world, OSLO);
  expect(await world.discover()).toMatchObject({ read: 1, added: [OSLO], changed: [] });
  expect(await world.discover()).toMatchObject({ read: 0 });
});

it('all records of a secret that were deleted by hand are there again, too', async () => {
  const { world } = await vendorWorld();
  await deleteByHand(world, ID);
  expect(await world.discover()).toMatchObject({ added: [ID] });
});

const badKey = { code: 'bad_connection_key', count: 1 };
it.each<[string, string, object]>([
  ['a bad key', JSON.stringify(packed(['oslo', 'planted key'])), badKey],
  ['only a bad key', JSON.stringify(packed(['planted key'])), badKey],
  ['no JSON', '{"passw', { code: 'secret_malformed' }],
  ['no object of connections', '{"connections":[]}', { code: 'secret_malformed' }],
])('a secret with %s is a problem at each discovery, until it is corrected', async (_, text, problem) => {
  const { world } = await vendorWorld();
  await world.put(SHARED, text);
  for (let n = 0; n < 10; n += 1) {
    expect((await world.discover()).problems).toEqual([{ secret: `${PREFIX}${SHARED}`, ...problem }]);
    world.clock.pass(minutes(1));
  }
  expect(await world.edit(SHARED, packed(['oslo']))).toMatchObject({ problems: [] });
  world.clock.pass(GRACE);
  await world.tick('test-provider');
  expect(await world.discover()).toMatchObject({ problems: [], read: 0 });
});

it('a secret that needs a person is noted once, though it is read at each discovery', async () => {
  const { world } = await vendorWorld();
  expect(await world.edit(ID, '{"passw')).toMatchObject({ changed: [ID] });
  world.log.length = 0;
  expect(await world.discover()).toMatchObject({ changed: [], read: 1 });
  expect(world.log.filter(each => WRITES.includes(each))).toEqual([]);
});

it('a record of an earlier release, which notes no number of keys, has it noted once', async () => {
  const { world } = await vendorWorld();
  const { secretKeys, ...record } = await world.record(ID);
  await deleteByHand(world, ID);
  await world.stores.connections.add(record);
  expect(await world.discover()).toMatchObject({ read: 1, added: [], changed: [] });
  expect(await world.record(ID)).toEqual({ ...record, secretKeys });
  expect(await world.discover()).toMatchObject({ read: 0 });
});

it('what the store does not take stops no other change, is reported, and comes the next time', async () => {
  const { world } = await vendorWorld();
  await world.put(SHARED, packed(['oslo', 'bergen']));
  const gone = await world.add(idOf('gone'), { password: 'right' });
  for (const id of [ID, gone]) await world.stores.secrets.delete(`${PREFIX}${id}`);
  await world.put('test-provider/more', packed(['a', 'b', 'c']));
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
