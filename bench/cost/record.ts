import { readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { providerIds } from '../../lib/providers/index.ts';
import { writeSection } from '../../tools/figures/section.ts';
import type { CostDemand } from './demand.ts';
import type { Estimate } from './estimate.ts';
import { MONTH } from './month.ts';
import type { Plan } from './plan.ts';
import { type MonthlyUsage, PRICES_OF, quantities, REGION, sources } from './prices.ts';
import { amount, bothBills, dollars } from './report.ts';
import type { TemplateResources } from './template.ts';

/** A column of the table in docs/cost.md, or a row of the table of savings there. */
export interface CostScenario {
  readonly title: string;
  /** The options of `npm run cost` for this column. */
  readonly options: string;
  /** The highest allowed cost of a month, without the free tier. */
  readonly target?: number;
  /** The row's text. */
  readonly saving?: string;
}

const all = String(providerIds.length);

export const costScenarios: readonly CostScenario[] = [
  { title: all, options: `--connections ${all} --provider all`, target: 9 },
  { title: '1,000', options: '--connections 1000 --lifetime 20m --packed 200', target: 28 },
  { title: '10,000', options: '--connections 10000 --lifetime 20m --packed 200' },
  { title: '100,000', options: '--connections 100000 --lifetime 1h --packed 200', target: 1000 },
  {
    title: '1,000 apart',
    options: '--connections 1000 --lifetime 20m',
    saving: 'a secret for each connection, $0.40 each',
  },
  {
    title: '1,000 later',
    options: '--connections 1000 --lifetime 20m --packed 200 --refresh-at 0.7',
    saving: "`--packed 200 --refresh-at 0.7`: renewed after 70% of a token's lifetime, not 50%",
  },
  {
    title: '1,000 short',
    options: '--connections 1000 --lifetime 20m --packed 200 --token-length 300',
    saving: '`--packed 200 --token-length 300`: the token and its header fit into 1 kB',
  },
];

export interface Recorded extends CostScenario {
  /** When it was measured, and at which commit. */
  readonly date: string;
  readonly commit: string;
  readonly demand: CostDemand;
  /** By used provider: its applications and its schedules. */
  readonly shares: Readonly<Record<string, { readonly keys: number; readonly schedules: number }>>;
  readonly usage: MonthlyUsage;
  /** For each operation on the tables and on secrets: calls and request units of a month. */
  readonly operations: Readonly<Record<string, { readonly calls: number; readonly units: number }>>;
  /** Bytes of each kind of log line in a month. */
  readonly logged: Readonly<Record<string, number>>;
}

export interface CostRecord {
  readonly pricesOf: string;
  readonly scenarios: readonly Recorded[];
}

export interface MeasuredCost {
  readonly scenario: CostScenario;
  readonly demand: CostDemand;
  readonly estimate: Estimate;
  readonly date: string;
  readonly commit: string;
}

export const recordedOf = ({ scenario, demand, estimate, date, commit }: MeasuredCost): Recorded => {
  const { plan, usage, metered } = estimate;
  const { meter } = metered;
  const times = MONTH / plan.metered;
  const monthly = ({ calls, units }: { readonly calls: number; readonly units: number }) => ({
    calls: Math.round(calls * times),
    units: Math.round(units * times),
  });
  return {
    ...scenario,
    ...{ date, commit, demand },
    shares: sharesOf(plan),
    usage: Object.fromEntries(
      quantities.map(quantity => [quantity, Number(usage[quantity].toPrecision(6))]),
    ) as unknown as MonthlyUsage,
    operations: Object.fromEntries([...meter.operations].map(([name, each]) => [name, monthly(each)])),
    logged: Object.fromEntries([...meter.logged].map(([what, bytes]) => [what, Math.round(bytes * times)])),
  };
};

const RECORD = new URL('record.json', import.meta.url);

export const readRecord = (): CostRecord => JSON.parse(readFileSync(RECORD, 'utf8'));

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The tables of docs/cost.md. */
export const documentSection = ({ pricesOf, scenarios: measured }: CostRecord): string => {
  const recorded = measured.filter(({ saving }) => saving === undefined);
  const bills = recorded.map(({ usage }) => bothBills(usage));
  const services = [...(bills[0]?.full.byService.keys() ?? [])];
  const used = services.filter(service => bills.some(({ full }) => (full.byService.get(service) ?? 0) >= 0.005));
  const of = (which: 'full' | 'free', service: string) =>
    bills.map(each => dollars(each[which].byService.get(service) ?? 0));
  const both = (cells: readonly string[], others: readonly string[]) =>
    cells.map((cell, n) => `${cell} / ${others[n]}`);
  const totals = both(
    bills.map(({ full }) => `**${dollars(full.total)}**`),
    bills.map(({ free }) => dollars(free.total)),
  );
  const lines = (bills[0]?.full.lines ?? []).filter(({ quantity }) =>
    recorded.some(({ usage }) => usage[quantity] > 0),
  );
  return [
    `With the prices of ${REGION} of ${pricesOf}. US dollars a month: without the free tier / with it.`,
    '',
    row(['', ...recorded.map(({ title }) => `${title} connections`)]),
    row(['---', ...recorded.map(() => '---:')]),
    ...used.map(service => row([service, ...both(of('full', service), of('free', service))])),
    row(['**together**', ...totals]),
    row(['target, without the free tier', ...recorded.map(({ target }) => (target ? `≤ ${target}` : ''))]),
    row(['measured', ...recorded.map(({ date, commit }) => `${date}, ${commit}`)]),
    '',
    ...recorded.map(({ title, options, shares }) => `- ${title}: \`npm run cost -- ${options}\`. ${sharesIn(shares)}`),
    '',
    'What a month needs:',
    '',
    row(['', '', ...recorded.map(({ title }) => title)]),
    row(['---', '---', ...recorded.map(() => '---:')]),
    ...lines.map(({ quantity, service, what }) =>
      row([service, what, ...recorded.map(({ usage }) => amount(usage[quantity]))]),
    ),
    '',
    `Prices: ${Object.entries(sources)
      .map(([service, url]) => `[${service}](${url})`)
      .join(', ')}.`,
  ].join('\n');
};

const sharesIn = (shares: Recorded['shares']): string => {
  const all = Object.entries(shares);
  if (all.length > 1) return 'One of each provider.';
  return all
    .map(([id, { keys, schedules }]) => {
      const applications = keys === 1 ? 'one application' : `${keys} applications, each within its own rate limit`;
      return `Provider \`${id}\`, ${applications}, ${schedules === 1 ? 'one schedule' : `${schedules} schedules`}.`;
    })
    .join('');
};

/**
 * The record of a scenario with the resources that the template has now; undefined if it has to be measured again:
 * other connections, schedules or providers make other calls.
 */
export const stillTrue = (scenario: CostScenario, plan: Plan, deployed: TemplateResources): Recorded | undefined => {
  const found = readRecord().scenarios.find(({ options }) => options === scenario.options);
  if (!found) return undefined;
  const ticks = deployed.schedules.reduce((sum, { every }) => sum + MONTH / every, 0);
  const sameTicks = Math.abs(found.usage.ticks / ticks - 1) < 0.01;
  const sameShares = isDeepStrictEqual(found.shares, sharesOf(plan));
  const { alarmMetrics, dashboards, keys } = deployed;
  const usage = { ...found.usage, alarmMetrics, dashboards, keys };
  return sameTicks && sameShares ? { ...found, ...scenario, usage } : undefined;
};

const sharesOf = ({ shares }: Plan): Recorded['shares'] =>
  Object.fromEntries(shares.map(({ provider, keys, schedules }) => [provider.id, { keys, schedules }]));

/** What saves most. */
export const savingsSection = ({ scenarios: recorded }: CostRecord): string => {
  const packed = { saving: '`--packed 200`: the connections of one application in shared secrets' };
  const rows = recorded.flatMap(each => {
    const { saving } = each.title === '1,000' ? packed : each;
    return saving === undefined ? [] : [{ ...each, saving, total: bothBills(each.usage).full.total }];
  });
  return [
    row(['1,000 connections, tokens of 20 minutes', 'US dollars a month', 'measured']),
    row(['---', '---:', '---']),
    ...rows.map(({ saving, total, date, commit }) => row([saving, dollars(total), `${date}, ${commit}`])),
  ].join('\n');
};

/** The lines of the README. */
export const readmeSection = ({ scenarios: recorded }: CostRecord): string => {
  const titles: Readonly<Record<string, string>> = {
    [all]: `${all} connections, one of each provider`,
    '1,000': '1,000 connections with tokens of 20 minutes, 200 in a secret',
    '100,000': '100,000 connections with tokens of 1 hour, 200 in a secret',
  };
  const shown = recorded.filter(({ title }) => title in titles);
  const headlines = shown.map(({ title, usage }) => {
    const { full, free } = bothBills(usage);
    return row([titles[title] ?? '', dollars(full.total), dollars(free.total)]);
  });
  const runs = new Set(shown.map(({ date, commit }) => `${date} at commit ${commit}`));
  return [
    row(['US dollars a month', 'without the free tier', 'with it']),
    row(['---', '---:', '---:']),
    ...headlines,
    '',
    `Measured on ${[...runs].join(' and ')}.`,
  ].join('\n');
};

const writeDocuments = (record: CostRecord): void => {
  writeSection('docs/cost.md', 'cost', documentSection(record));
  writeSection('docs/cost.md', 'cost-savings', savingsSection(record));
  writeSection('README.md', 'cost', readmeSection(record));
};

/** Writes the record, and its sections of the documents. */
export const write = (recorded: readonly Recorded[]): void => {
  const record: CostRecord = { pricesOf: PRICES_OF, scenarios: recorded };
  writeFileSync(RECORD, `${JSON.stringify(record, null, 2)}\n`);
  writeDocuments(record);
};
