import { describe, expect, it } from 'vitest';
import type { LimitState } from '../../lib/core/rate-limit.ts';
import { plus } from '../../lib/core/types.ts';
import type { LimitStore } from '../../lib/ports.ts';
import { type Full, START } from '../kit/records.ts';
import type { AtOnce } from './stores.ts';

const full: Full<LimitState> = {
  bookings: [{ at: START, scheduled: 2, minority: 1 }],
  writtenAt: plus(START, 1),
  pausedUntil: plus(START, 2),
};

const booked = (n: number): LimitState => ({
  bookings: [{ at: plus(START, n), scheduled: n, minority: 1 }],
  writtenAt: plus(START, n),
});

export const describeLimits = (store: () => LimitStore, fresh: () => string, atOnce: AtOnce): unknown =>
  describe('rate limits', () => {
    const key = () => `test-provider#${fresh()}`;

    it('writes the first state, and the next one with its revision', async () => {
      const mine = key();
      expect(await store().write(mine, booked(1), 0)).toBeUndefined();
      expect(await store().write(mine, full, 1)).toBeUndefined();
      expect(await store().write(mine, booked(3), 1)).toEqual({ state: full, revision: 2 });
    });

    it('returns the stored state for a wrong revision', async () => {
      const mine = key();
      await store().write(mine, booked(1), 0);
      expect(await store().write(mine, booked(2), 0)).toEqual({ state: booked(1), revision: 1 });
    });

    it('begins again if the item is gone', async () => {
      expect(await store().write(key(), booked(1), 5)).toMatchObject({ revision: 0, state: { bookings: [] } });
    });

    atOnce('has one winner among many that know the same', async () => {
      const mine = key();
      const writes = Array.from({ length: 12 }, (_, n) => store().write(mine, booked(n), 0));
      expect((await Promise.all(writes)).filter(there => there === undefined)).toHaveLength(1);
    });

    it('keeps the keys apart', async () => {
      const [mine, other] = [key(), key()];
      await store().write(mine, booked(1), 0);
      expect(await store().write(other, booked(2), 0)).toBeUndefined();
    });
  });
