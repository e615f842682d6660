import { expect, it } from 'vitest';
import { GRACE } from '../../lib/core/retirement.ts';
import { CONNECTIONS_PER_SECRET } from '../../lib/core/secret.ts';
import { allShards } from '../../lib/core/shard.ts';
import { hours, minutes, secretOf } from '../../lib/core/types.ts';
import { answer, packed, SHARED, vendorWorld } from '../kit/vendor.ts';
import type { World } from '../kit/world.ts';

/** A secret may hold this many connections, and leave as many records of removed ones. */

const keys = (prefix: string, count = CONNECTIONS_PER_SECRET) =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const recordsOf = async (world: World, secret = SHARED) => {
  const shards = await Promise.all(allShards.map(shard => world.stores.connections.list('test-provider', shard)));
  return shards.flat().filter(({ connection }) => secretOf(connection) === secret);
};

it('all keys of a full secret can be replaced at once', async () => {
  const { world } = await vendorWorld();
  await world.edit(SHARED, packed(keys('before-')));
  const report = await world.edit(SHARED, packed(keys('after-')));
  expect(report).toMatchObject({ problems: [], failures: [] });
  expect(report.added).toHaveLength(CONNECTIONS_PER_SECRET);
  expect(report.retired).toHaveLength(CONNECTIONS_PER_SECRET);
  // While the keys before may come back, the secret is read each time.
  expect(await world.discover()).toMatchObject({ read: 1, problems: [] });
  world.clock.pass(GRACE);
  await world.tick('test-provider');
  expect(await world.discover()).toMatchObject({ read: 0, problems: [] });
});

it('keys that are renamed every minute leave no more records than that, and stop no other secret', async () => {
  const { world } = await vendorWorld();
  for (let minute = 0; minute < 90; minute += 1) {
    const { problems } = await world.edit(SHARED, packed(keys(`round-${minute}-`)));
    if (minute > 1 && minute < 60) {
      const code = 'too_many_removed';
      expect(problems).toEqual([{ secret: `token-refresher/${SHARED}`, code, count: CONNECTIONS_PER_SECRET }]);
    }
    await world.tick('test-provider');
    expect((await recordsOf(world)).length).toBeLessThanOrEqual(2 * CONNECTIONS_PER_SECRET);
    world.clock.pass(minutes(1));
  }
  expect(await world.edit('test-provider/other', { password: 'right' })).toMatchObject({
    added: ['test-provider/other'],
  });
});

it('keys that had no room at all are added once there is some', async () => {
  const { world } = await vendorWorld();
  for (const round of ['first-', 'second-', 'last-']) {
    await world.edit(SHARED, packed(keys(round)));
    await world.tick('test-provider');
    world.clock.pass(minutes(1));
  }
  world.clock.pass(GRACE);
  await world.tick('test-provider');
  world.clock.pass(hours(1));
  const added: string[] = [];
  for (let minute = 0; minute < 3; minute += 1) added.push(...(await world.discover()).added);
  expect(added).toHaveLength(CONNECTIONS_PER_SECRET);
  expect(await world.discover()).toMatchObject({ connections: CONNECTIONS_PER_SECRET + 1, problems: [], read: 0 });
});

it('takes as many new keys as there is room for, and the others later, without a change of the secret', async () => {
  const { world } = await vendorWorld();
  await world.edit(SHARED, packed(keys('a')));
  await world.edit(SHARED, packed([...keys('a', 50), ...keys('b', 150)]));
  const report = await world.edit(SHARED, packed([...keys('a', 50), ...keys('c', 60)]));
  expect(report.added).toHaveLength(50);
  expect(report.problems).toEqual([expect.objectContaining({ code: 'too_many_removed', count: 10 })]);
  const working = (await recordsOf(world)).filter(({ retiredAt }) => retiredAt === undefined);
  expect(working).toHaveLength(100);
  world.clock.pass(GRACE);
  await world.tick('test-provider');
  world.clock.pass(hours(1));
  // The records of removed keys go at the end of a discovery.
  await world.discover();
  expect((await world.discover()).added).toHaveLength(10);
  expect(await world.discover()).toMatchObject({ problems: [], read: 0 });
});

it('removed keys whose end always fails do not exceed that number', async () => {
  const { world } = await vendorWorld();
  world.vendor = () => answer('', 503);
  for (let minute = 0; minute < 10; minute += 1) {
    await world.edit(SHARED, packed(keys(`round-${minute}-`)));
    world.clock.pass(minutes(30));
  }
  expect(await recordsOf(world)).toHaveLength(2 * CONNECTIONS_PER_SECRET);
});
