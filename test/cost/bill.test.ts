import { describe, expect, test } from 'vitest';
import { billOf, dollarsOf } from '../../bench/cost/bill.ts';
import { type MonthlyUsage, type Quantity, quantities } from '../../bench/cost/prices.ts';
import { itemSize, readUnitsOf, writeUnitsOf } from '../../bench/cost/size.ts';

const usageOf = (used: Partial<Record<Quantity, number>>): MonthlyUsage =>
  Object.fromEntries(quantities.map(quantity => [quantity, used[quantity] ?? 0])) as unknown as MonthlyUsage;
const [full, free] = [{ freeTier: false }, { freeTier: true }];

describe('a price', () => {
  const price = { service: 'a', what: 'things', dollars: 0.5, per: 10, free: 100 };

  test.each([
    [0, full, 0],
    [100, full, 5],
    [130, full, 6.5],
    [0, free, 0],
    [100, free, 0],
    [130, free, 1.5],
  ])('of %d with %j is %d', (used, terms, dollars) => {
    expect(dollarsOf(price, used, terms)).toBeCloseTo(dollars, 10);
  });

  test('of what has no free tier is the same with it', () => {
    const { free: _, ...none } = price;
    expect(dollarsOf(none, 30, free)).toBe(dollarsOf(none, 30, full));
  });
});

describe('a bill', () => {
  const usage = usageOf({ secrets: 6, keys: 1, alarmMetrics: 15, writeUnits: 2_000_000, gigabyteSeconds: 500_000 });

  test('is the sum of usage × price', () => {
    // 6 × $0.40, $1, 15 × $0.10, 2 × $0.625, 500,000 × $0.0000133334
    expect(billOf(usage, full).total).toBeCloseTo(2.4 + 1 + 1.5 + 1.25 + 6.6667, 8);
  });

  test('subtracts the free tier if there is one', () => {
    // Five of the 15 metrics, and 100,000 of the 500,000 GB-seconds, are paid for.
    expect(billOf(usage, free).total).toBeCloseTo(2.4 + 1 + 0.5 + 1.25 + 1.33334, 8);
  });

  test('has a sum for each service, and they add up', () => {
    const { byService, lines, total } = billOf(usage, full);
    expect(byService.get('CloudWatch')).toBeCloseTo(1.5, 10);
    expect(byService.get('DynamoDB')).toBeCloseTo(1.25, 10);
    expect([...byService.values()].reduce((sum, dollars) => sum + dollars, 0)).toBeCloseTo(total, 10);
    expect(lines.map(({ quantity }) => quantity)).toEqual(quantities);
  });
});

describe('request units', () => {
  test('of writes: one for each 1 kB that is begun', () => {
    expect([0, 1, 1024, 1025, 2049].map(writeUnitsOf)).toEqual([1, 1, 1, 2, 3]);
  });

  test('of reads: half a one for each 4 kB that is begun, a whole one if it is consistent', () => {
    expect([0, 4096, 4097].map(bytes => readUnitsOf(bytes, false))).toEqual([0.5, 0.5, 1]);
    expect([0, 4096, 4097].map(bytes => readUnitsOf(bytes, true))).toEqual([1, 1, 2]);
  });

  test('go by the size of an item: names and values', () => {
    expect(itemSize({ name: { S: 'oslo' } })).toBe(4 + 4);
    // Thirteen digits: seven bytes and one.
    expect(itemSize({ at: { N: '1795708800123' } })).toBe(2 + 8);
    expect(itemSize({ ok: { BOOL: true } })).toBe(2 + 1);
    // Three bytes, and for each element its name, its value, and one.
    expect(itemSize({ headers: { M: { a: { S: 'xyz' } } } })).toBe(7 + 3 + 1 + 3 + 1);
  });
});
