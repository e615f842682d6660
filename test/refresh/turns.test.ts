import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { inTurns } from '../../lib/refresh/turns.ts';

/** Items that end when the test says so. */
const bench = (
  items: readonly string[],
  limits: { limit: number; perGroup: number; capitals?: number; most?: number },
) => {
  const { limit, perGroup, capitals = Number.POSITIVE_INFINITY } = limits;
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const done = inTurns([...items], {
    limit,
    groupsOf: item => ({ [item.charAt(0)]: perGroup, ...(/^[A-Z]/.test(item) && { capitals }) }),
    more: () => begun.length < (limits.most ?? Number.POSITIVE_INFINITY),
    work: item => {
      begun.push(item);
      return new Promise(end => ends.set(item, end));
    },
  });
  const finish = async (item: string) => {
    ends.get(item)?.();
    await new Promise(setImmediate);
  };
  return { begun, done, finish };
};

it('begins the items in order, as many at a time as the limit says', async () => {
  const { begun, finish } = bench(['a1', 'b1', 'c1', 'd1'], { limit: 2, perGroup: 2 });
  expect(begun).toEqual(['a1', 'b1']);
  await finish('b1');
  expect(begun).toEqual(['a1', 'b1', 'c1']);
});

it('lets a group that hangs not hold up the others', async () => {
  const { begun, finish } = bench(['a1', 'a2', 'a3', 'b1', 'b2'], { limit: 3, perGroup: 1 });
  expect(begun).toEqual(['a1', 'b1']);
  await finish('b1');
  expect(begun).toEqual(['a1', 'b1', 'b2']);
  await finish('b2');
  await finish('a1');
  expect(begun).toEqual(['a1', 'b1', 'b2', 'a2']);
});

it('holds an item to all of its groups', async () => {
  const { begun, finish } = bench(['A1', 'B1', 'C1', 'd1'], { limit: 4, perGroup: 1, capitals: 2 });
  expect(begun).toEqual(['A1', 'B1', 'd1']);
  await finish('A1');
  expect(begun).toEqual(['A1', 'B1', 'd1', 'C1']);
});

it('ends once everything has ended, and answers how many were begun', async () => {
  const { done, finish } = bench(['a1', 'b1', 'c1'], { limit: 1, perGroup: 1, most: 2 });
  await finish('a1');
  await finish('b1');
  expect(await done).toBe(2);
});

it('ends at once if there is nothing to do', async () => {
  expect(await bench([], { limit: 1, perGroup: 1 }).done).toBe(0);
});

it('passes an exception on', async () => {
  const work = () => Promise.reject(new Error('a bug'));
  const turns = { limit: 1, groupsOf: () => ({}), more: () => true, work };
  await expect(inTurns(['a'], turns)).rejects.toThrow('a bug');
});

it('keeps no item in memory that was worked on', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc');
  const begun: WeakRef<object>[] = [];
  const ends: (() => void)[] = [];
  const work = (item: object) => {
    begun.push(new WeakRef(item));
    return new Promise<void>(end => ends.push(end));
  };
  const done = inTurns([{}, {}], { limit: 1, groupsOf: () => ({ all: 1 }), more: () => true, work });
  ends[0]?.();
  await new Promise(setImmediate);
  collectGarbage();
  expect(begun.map(each => each.deref() === undefined)).toEqual([true, false]);
  ends[1]?.();
  expect(await done).toBe(2);
});
