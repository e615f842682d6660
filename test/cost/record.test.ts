import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { billOf } from '../../bench/cost/bill.ts';
import { deploymentOf, estimate } from '../../bench/cost/estimate.ts';
import { parseOptions } from '../../bench/cost/options.ts';
import { planOf } from '../../bench/cost/plan.ts';
import { PRICES_OF } from '../../bench/cost/prices.ts';
import { documentSection, type Recorded, readmeSection, readRecord, scenarios } from '../../bench/cost/record.ts';
import { withSection } from '../kit/reliability.ts';
import { isThorough } from '../kit/thorough.ts';

// The first synthesis in a process loads most of the CDK, and a day of virtual time takes a while.
vi.setConfig({ testTimeout: 120_000 });

const textOf = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const record = readRecord();
const paid = ({ usage }: Recorded) => billOf(usage, { freeTier: false }).total;
const recorded = (title: string): Recorded => {
  const found = record.scenarios.find(each => each.title === title);
  if (!found) throw new Error(`nothing is recorded for ${title}`);
  return found;
};

describe('the recorded cost', () => {
  test('is of all columns, with the prices of today', () => {
    const wanted = scenarios.map(({ title, options, target }) => ({ title, options, target }));
    expect(record.scenarios.map(({ title, options, target }) => ({ title, options, target }))).toEqual(wanted);
    expect(record.pricesOf).toBe(PRICES_OF);
  });

  test('is in the documents', () => {
    for (const [name, section] of [
      ['docs/cost.md', documentSection(record)],
      ['README.md', readmeSection(record)],
    ] as const) {
      const text = textOf(name);
      expect(withSection(text, 'cost', section)).toBe(text);
    }
  });

  test.each([
    ['6', 9],
    ['1,000', 28],
    ['100,000', 1000],
  ])('of %s connections is at most $%d a month without the free tier', (title, target) => {
    expect(paid(recorded(title))).toBeLessThanOrEqual(target);
  });

  test.each(record.scenarios.map(each => [each.title, each] as const))(
    'of %s connections is of what the template has now',
    { timeout: 60_000 },
    (_, { options, usage, shares }) => {
      const { demand } = parseOptions(options.split(' ')) ?? {};
      if (!demand) throw new Error('these options ask for help');
      const plan = planOf(demand);
      const { alarmMetrics, dashboards, keys, schedules } = deploymentOf(plan);
      expect(usage).toMatchObject({ alarmMetrics, dashboards, keys });
      expect(usage.alarmMetrics).toBe(15);
      expect(usage.customMetrics).toBeLessThanOrEqual(10);
      const ticks = schedules.reduce((sum, { every }) => sum + (730 * 3_600_000) / every, 0);
      expect(usage.ticks / ticks).toBeCloseTo(1, 2);
      for (const { provider, ...share } of plan.shares)
        expect(shares[provider.id]).toEqual({ keys: share.keys, schedules: share.schedules });
    },
  );

  // Days of virtual time: CI has them.
  test.runIf(isThorough)('of 6 connections is what is metered now, within 5%', async () => {
    const { demand, usage } = recorded('6');
    const now = await estimate(demand);
    const total = billOf(now.usage, { freeTier: false }).total;
    expect(Math.abs(total / paid(recorded('6')) - 1)).toBeLessThan(0.05);
    expect(now.usage).toMatchObject({ secrets: usage.secrets, customMetrics: usage.customMetrics });
  });
});
