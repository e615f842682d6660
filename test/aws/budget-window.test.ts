import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { book, SPREAD } from '../../lib/aws/budget-window.ts';
import { type EpochMs, epochMs, plus } from '../../lib/core/types.ts';

const budget = { calls: 3, per: 100 };

/** What callers ask one after the other, each by a clock of its own. */
const asked = fc.array(
  fc.record({
    advance: fc.integer({ min: 0, max: 60 }),
    skew: fc.integer({ min: -45, max: 45 }),
    cost: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 40 },
);

/** Asks for all of it, and answers when each call was booked. */
const bookAll = (requests: readonly { advance: number; skew: number; cost: number }[]): EpochMs[] => {
  const booked: EpochMs[] = [];
  let time = epochMs(10_000);
  let log: readonly EpochMs[] = [];
  for (const { advance, skew, cost } of requests) {
    time = plus(time, advance);
    const booking = book(log, budget, cost, plus(time, skew));
    if (!booking.ok) continue;
    log = booking.calls;
    booked.push(...log.slice(-cost));
  }
  return booked;
};

describe('the window of a budget', () => {
  it('never holds more than the budget, wherever it starts and however clocks disagree', () => {
    fc.assert(
      fc.property(asked, requests => {
        const booked = bookAll(requests);
        for (const start of booked) {
          const within = booked.filter(at => at >= start && at < start + budget.per + SPREAD);
          expect(within.length).toBeLessThanOrEqual(budget.calls);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('books no call before the newest, whose own booking may have let others go', () => {
    const log = [epochMs(10_100)];
    expect(book(log, budget, 1, epochMs(10_060))).toEqual({ ok: true, calls: [10_100, 10_100] });
  });

  it('has room at the moment it names', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 3 }),
        fc.integer({ min: 1, max: 3 }),
        (ages, cost) => {
          const now = epochMs(10_000);
          const log = ages.map(age => epochMs(now - age));
          const booking = book(log, budget, cost, now);
          if (booking.ok) return;
          expect(booking.retryAt).toBeGreaterThan(now);
          expect(book(log, budget, cost, plus(booking.retryAt, -1)).ok).toBe(false);
          expect(book(log, budget, cost, booking.retryAt).ok).toBe(true);
        },
      ),
    );
  });

  it('stays small', () => {
    const log = Array.from({ length: 3 }, (_, n) => epochMs(n));
    expect(book(log, budget, 1, epochMs(10_000))).toEqual({ ok: true, calls: [10_000] });
  });

  it('lets a call from a clock far ahead block for one period at the most', () => {
    const now = epochMs(10_000);
    const wrong = [1, 2, 3].map(n => plus(now, 3_600_000 * n));
    expect(book(wrong, budget, 1, now)).toEqual({ ok: false, retryAt: plus(now, budget.per + SPREAD) });
  });
});
