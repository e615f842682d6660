import { readFileSync, writeFileSync } from 'node:fs';
import { withSection } from '../../test/kit/reliability.ts';
import type { Demand } from './demand.ts';
import type { Estimate } from './estimate.ts';
import { MONTH } from './month.ts';
import { PRICES_OF, quantities, REGION, sources, type Usage } from './prices.ts';
import { amount, bothBills, dollars } from './report.ts';

/** A column of the table in docs/cost.md. */
export interface Scenario {
  readonly title: string;
  /** The options of `npm run cost` for this column. */
  readonly options: string;
  /** The highest allowed cost of a month, without the free tier. */
  readonly target?: number;
}

export const scenarios: readonly Scenario[] = [
  { title: '6', options: '--connections 6 --provider all', target: 9 },
  { title: '1,000', options: '--connections 1000 --lifetime 20m --packed 200', target: 28 },
  { title: '10,000', options: '--connections 10000 --lifetime 20m --packed 200' },
  { title: '100,000', options: '--connections 100000 --lifetime 1h --packed 200', target: 1000 },
];

export interface Recorded extends Scenario {
  readonly demand: Demand;
  /** By used provider: its applications and its schedules. */
  readonly shares: Readonly<Record<string, { readonly keys: number; readonly schedules: number }>>;
  readonly usage: Usage;
  /** For each operation on the tables and on secrets: calls and request units of a month. */
  readonly operations: Readonly<Record<string, { readonly calls: number; readonly units: number }>>;
  /** Bytes of each kind of log line in a month. */
  readonly logged: Readonly<Record<string, number>>;
}

export interface CostRecord {
  readonly date: string;
  readonly pricesOf: string;
  readonly scenarios: readonly Recorded[];
}

export const recordedOf = (scenario: Scenario, demand: Demand, { plan, usage, metered }: Estimate): Recorded => {
  const { meter } = metered;
  const times = MONTH / plan.metered;
  const monthly = ({ calls, units }: { readonly calls: number; readonly units: number }) => ({
    calls: Math.round(calls * times),
    units: Math.round(units * times),
  });
  return {
    ...scenario,
    demand,
    shares: Object.fromEntries(plan.shares.map(({ provider, keys, schedules }) => [provider.id, { keys, schedules }])),
    usage: Object.fromEntries(
      quantities.map(quantity => [quantity, Number(usage[quantity].toPrecision(6))]),
    ) as unknown as Usage,
    operations: Object.fromEntries([...meter.operations].map(([name, each]) => [name, monthly(each)])),
    logged: Object.fromEntries([...meter.logged].map(([what, bytes]) => [what, Math.round(bytes * times)])),
  };
};

const file = (name: string) => new URL(name, import.meta.url);
const RECORD = file('record.json');
const DOCUMENT = file('../../docs/cost.md');
const README = file('../../README.md');

export const readRecord = (): CostRecord => JSON.parse(readFileSync(RECORD, 'utf8'));

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The tables of docs/cost.md. */
export const documentSection = ({ date, pricesOf, scenarios: recorded }: CostRecord): string => {
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
    `Computed on ${date} with the prices of ${REGION} of ${pricesOf}. US dollars a month: without the free tier / with it.`,
    '',
    row(['', ...recorded.map(({ title }) => `${title} connections`)]),
    row(['---', ...recorded.map(() => '---:')]),
    ...used.map(service => row([service, ...both(of('full', service), of('free', service))])),
    row(['**together**', ...totals]),
    row(['target, without the free tier', ...recorded.map(({ target }) => (target ? `≤ ${target}` : ''))]),
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

/** The lines of the README. */
export const readmeSection = ({ date, scenarios: recorded }: CostRecord): string => {
  const said: Readonly<Record<string, string>> = {
    '6': '6 connections, one of each provider',
    '1,000': '1,000 connections with tokens of 20 minutes, 200 in a secret',
    '100,000': '100,000 connections with tokens of 1 hour, 200 in a secret',
  };
  const headlines = recorded.flatMap(({ title, usage }) => {
    const what = said[title];
    const { full, free } = bothBills(usage);
    return what === undefined ? [] : [row([what, dollars(full.total), dollars(free.total)])];
  });
  return [
    row(['US dollars a month', 'without the free tier', 'with it']),
    row(['---', '---:', '---:']),
    ...headlines,
    '',
    `Computed on ${date}.`,
  ].join('\n');
};

const writeDocuments = (record: CostRecord): void => {
  writeFileSync(DOCUMENT, withSection(readFileSync(DOCUMENT, 'utf8'), 'cost', documentSection(record)));
  writeFileSync(README, withSection(readFileSync(README, 'utf8'), 'cost', readmeSection(record)));
};

/** Writes the record, and its sections of the documents. */
export const write = (recorded: readonly Recorded[], date: string): void => {
  const record: CostRecord = { date, pricesOf: PRICES_OF, scenarios: recorded };
  writeFileSync(RECORD, `${JSON.stringify(record, null, 2)}\n`);
  writeDocuments(record);
};
