import { describe, expect, test, vi } from 'vitest';
import { billOf } from '../../bench/cost/bill.ts';
import { estimate, templateResourcesOf } from '../../bench/cost/estimate.ts';
import { parseCostOptions } from '../../bench/cost/options.ts';
import { planOf } from '../../bench/cost/plan.ts';
import { PRICES_OF } from '../../bench/cost/prices.ts';
import {
  costScenarios,
  documentSection,
  type Recorded,
  readmeSection,
  readRecord,
  savingsSection,
  stillTrue,
} from '../../bench/cost/record.ts';
import { providerIds } from '../../lib/providers/index.ts';
import { withSection } from '../../tools/figures/section.ts';
import { textOf } from '../kit/repository.ts';
import { isThorough } from '../kit/thorough.ts';

// The first synthesis in a process loads most of the CDK, and a day of virtual time takes a while.
vi.setConfig({ testTimeout: 120_000 });

const record = readRecord();
const each = String(providerIds.length);
const paid = ({ usage }: Recorded) => billOf(usage, { freeTier: false }).total;
const recorded = (title: string): Recorded => {
  const found = record.scenarios.find(each => each.title === title);
  if (!found) throw new Error(`nothing is recorded for ${title} connections: npm run cost -- --record`);
  return found;
};

describe('the recorded cost', () => {
  test('is of all columns, with the prices of today', () => {
    const wanted = costScenarios.map(({ title, options, target }) => ({ title, options, target }));
    expect(record.scenarios.map(({ title, options, target }) => ({ title, options, target }))).toEqual(wanted);
    expect(record.pricesOf).toBe(PRICES_OF);
  });

  test('is in the documents', () => {
    for (const [page, name, section] of [
      ['docs/cost.md', 'cost', documentSection(record)],
      ['docs/cost.md', 'cost-savings', savingsSection(record)],
      ['README.md', 'cost', readmeSection(record)],
    ] as const) {
      const text = textOf(page);
      expect(withSection(text, name, section)).toBe(text);
    }
  });

  test.each([
    [each, 9],
    ['1,000', 28],
    ['100,000', 1000],
  ])('of %s connections is at most $%d a month without the free tier', (title, target) => {
    expect(paid(recorded(title))).toBeLessThanOrEqual(target);
  });

  test.each(record.scenarios.map(each => [each.title, each] as const))(
    'of %s connections is of what the template has now',
    { timeout: 60_000 },
    (_, { options, usage, shares }) => {
      const { demand } = parseCostOptions(options.split(' ')) ?? {};
      if (!demand) throw new Error('these options ask for help');
      const plan = planOf(demand);
      const { alarmMetrics, dashboards, keys, schedules } = templateResourcesOf(plan);
      expect(usage, 'npm run cost -- --record').toMatchObject({ alarmMetrics, dashboards, keys });
      expect(usage.customMetrics).toBeLessThanOrEqual(10);
      const ticks = schedules.reduce((sum, { every }) => sum + (730 * 3_600_000) / every, 0);
      expect(usage.ticks / ticks).toBeCloseTo(1, 2);
      for (const { provider, ...share } of plan.shares)
        expect(shares[provider.id]).toEqual({ keys: share.keys, schedules: share.schedules });
    },
  );

  // Days of virtual time: CI has them.
  test.runIf(isThorough)('of one connection of each provider is what is metered now, within 5%', async () => {
    const { demand, usage } = recorded(each);
    const now = await estimate(demand);
    const total = billOf(now.usage, { freeTier: false }).total;
    expect(Math.abs(total / paid(recorded(each)) - 1)).toBeLessThan(0.05);
    expect(now.usage).toMatchObject({ secrets: usage.secrets, customMetrics: usage.customMetrics });
  });

  test('is measured again only if schedules or connections change', () => {
    const [scenario = { title: '', options: '' }] = costScenarios.slice(1);
    const { demand } = parseCostOptions(scenario.options.split(' ')) ?? recorded(scenario.title);
    const plan = planOf(demand);
    const deployed = templateResourcesOf(plan);
    expect(stillTrue(scenario, plan, deployed)).toEqual(recorded(scenario.title));
    const withAlarm = stillTrue(scenario, plan, { ...deployed, alarmMetrics: deployed.alarmMetrics + 1 });
    expect(withAlarm?.usage.alarmMetrics).toBe(recorded(scenario.title).usage.alarmMetrics + 1);
    const more = [...deployed.schedules, ...deployed.schedules];
    expect(stillTrue(scenario, plan, { ...deployed, schedules: more })).toBeUndefined();
    expect(stillTrue(scenario, planOf({ ...demand, keys: 2 }), deployed)).toBeUndefined();
    expect(stillTrue({ ...scenario, options: '--connections 2' }, plan, deployed)).toBeUndefined();
  });
});
