import { describe, expect, it } from 'vitest';
import { minutes, plus, version } from '../../lib/core/types.ts';
import type { ConnectionStore } from '../../lib/ports.ts';
import { connectionOf, revival, START } from '../kit/records.ts';
import type { AtOnce, Fresh } from './stores.ts';

export const describeWaiters = (store: () => ConnectionStore, fresh: Fresh, atOnce: AtOnce): void => {
  const leaseUntil = plus(START, minutes(2));
  const claimed = async () => {
    const seen = connectionOf(fresh());
    await store().add(seen);
    const mine = await store().claim(seen, { id: 'claim-1', leaseUntil });
    if (!mine) throw new Error('the claim was lost');
    return mine;
  };

  describe('waiting for who has a connection', () => {
    atOnce('is for so many at most, however many want to at one moment', async () => {
      const { connection, version: seen } = await claimed();
      const joined = await Promise.all(Array.from({ length: 20 }, () => store().join(connection, seen, 3)));
      expect(joined.filter(each => each)).toHaveLength(3);
      expect(await store().join(connection, seen, 3)).toBe(false);
    });

    it('changes nothing that a reader of the record sees', async () => {
      const mine = await claimed();
      await store().join(mine.connection, mine.version, 3);
      expect(await store().get(mine.connection)).toEqual(mine);
    });

    it('is for the version seen only', async () => {
      const { connection } = await claimed();
      expect(await store().join(connection, version(0), 3)).toBe(false);
      expect(await store().join(connection, version(2), 3)).toBe(false);
    });

    it('creates no record for an unknown connection', async () => {
      const unknown = fresh();
      expect(await store().join(unknown, version(0), 3)).toBe(false);
      expect(await store().get(unknown)).toBeUndefined();
    });

    it('begins again with the next claim', async () => {
      const mine = await claimed();
      await store().join(mine.connection, mine.version, 1);
      const next = await store().claim(mine, { id: 'claim-2', leaseUntil: plus(leaseUntil, 1) });
      expect(next && (await store().join(mine.connection, next.version, 1))).toBe(true);
    });

    it('ends when the claim is settled, or the connection comes back', async () => {
      const mine = await claimed();
      const full = async () => !(await store().join(mine.connection, mine.version, 1));
      expect([await full(), await full()]).toEqual([false, true]);
      await store().settle(mine.connection, mine.version, { status: 'healthy', dueAt: leaseUntil, failures: 0 });
      expect([await full(), await full()]).toEqual([false, true]);
      await store().retire(mine.connection, START);
      await store().revive(mine.connection, revival(START));
      expect(await store().join(mine.connection, version(mine.version + 1), 1)).toBe(true);
    });
  });
};
