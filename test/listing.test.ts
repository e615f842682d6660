import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { listShards } from '../lib/listing.ts';
import { connectionOf, idOf } from './kit/records.ts';

const providers = [{ id: 'one' }, { id: 'two' }];
const shards = [0, 1, 2, 3, 4, 5, 6, 7];

it('lists every shard of every provider once, a few at a time', async () => {
  const shardsRead: string[] = [];
  let reading = 0;
  let most = 0;
  const list = async (provider: string, shard: number) => {
    shardsRead.push(`${provider}#${shard}`);
    reading += 1;
    most = Math.max(most, reading);
    await sleep(1);
    reading -= 1;
    return [connectionOf(idOf(`of-${shard}`, provider))];
  };
  const listed = await listShards({ list }, providers, shards);
  const all = providers.flatMap(({ id }) => shards.map(shard => ({ id, shard })));
  expect(shardsRead.toSorted()).toEqual(all.map(({ id, shard }) => `${id}#${shard}`));
  expect(listed.map(({ connection }) => connection).toSorted()).toEqual(
    all.map(({ id, shard }) => idOf(`of-${shard}`, id)),
  );
  expect(most).toBe(2);
});

it('fails if one shard cannot be read: a part of the connections is not all of them', async () => {
  const list = async (_: string, shard: number) => {
    if (shard === 5) throw new Error('not now');
    return [];
  };
  await expect(listShards({ list }, providers, shards)).rejects.toThrow('not now');
});
