import { describe, expect, it } from 'vitest';
import { SPREAD } from '../../lib/aws/budget-window.ts';
import { minutes, plus } from '../../lib/core/types.ts';
import type { BudgetStore } from '../../lib/shell/ports.ts';
import { START } from '../support/records.ts';
import type { Fresh } from './stores.ts';

const fivePerMinute = { calls: 5, per: minutes(1) };
const booked = { ok: true };

export const describeBudget = (store: () => BudgetStore, fresh: Fresh) =>
  describe('budget', () => {
    it('books exactly as many calls as the budget has, however many ask at once', async () => {
      const key = fresh();
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => store().reserve(key, fivePerMinute, 1, START)),
      );
      expect(answers.filter(({ ok }) => ok)).toHaveLength(5);
    });

    it('says when to ask again, and has room then and not a millisecond earlier', async () => {
      const key = fresh();
      for (const after of [0, 1, 2, 3, 4]) {
        expect(await store().reserve(key, fivePerMinute, 1, plus(START, after * 1000))).toEqual(booked);
      }
      const retryAt = plus(START, minutes(1) + SPREAD);
      expect(await store().reserve(key, fivePerMinute, 1, plus(START, 5000))).toEqual({ ok: false, retryAt });
      expect(await store().reserve(key, fivePerMinute, 1, plus(retryAt, -1))).toEqual({ ok: false, retryAt });
      expect(await store().reserve(key, fivePerMinute, 1, retryAt)).toEqual(booked);
      expect(await store().reserve(key, fivePerMinute, 1, retryAt)).toEqual({
        ok: false,
        retryAt: plus(retryAt, 1000),
      });
    });

    it('waits until enough calls have left for the whole cost', async () => {
      const key = fresh();
      for (const after of [0, 10, 20, 30]) await store().reserve(key, fivePerMinute, 1, plus(START, after));
      const refused = await store().reserve(key, fivePerMinute, 3, plus(START, 40));
      expect(refused).toEqual({ ok: false, retryAt: plus(START, minutes(1) + SPREAD + 10) });
      expect(await store().reserve(key, fivePerMinute, 3, plus(START, minutes(1) + SPREAD + 10))).toEqual(booked);
    });

    it('books nothing where it refuses', async () => {
      const key = fresh();
      await store().reserve(key, fivePerMinute, 4, START);
      expect(await store().reserve(key, fivePerMinute, 2, START)).toMatchObject({ ok: false });
      expect(await store().reserve(key, fivePerMinute, 1, START)).toEqual(booked);
    });

    it('counts every key apart', async () => {
      const [one, other] = [fresh(), fresh()];
      await store().reserve(one, fivePerMinute, 5, START);
      expect(await store().reserve(other, fivePerMinute, 5, START)).toEqual(booked);
    });

    it('rejects a cost that no waiting could ever afford', async () => {
      await expect(store().reserve(fresh(), fivePerMinute, 6, START)).rejects.toThrow(RangeError);
    });
  });
