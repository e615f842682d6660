import { type Bill, billOf } from './bill.ts';
import type { Plan } from './plan.ts';
import { type MonthlyUsage, PRICES_OF, REGION } from './prices.ts';

export const dollars = (amount: number): string =>
  amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A count for people. */
export const amount = (used: number): string => {
  if (used >= 1e6) return `${(used / 1e6).toFixed(1)} M`;
  return used.toLocaleString('en-US', { maximumFractionDigits: used < 10 ? 2 : 0 });
};

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? [];
  const padded = (cell: string, column: number) =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map(row => row.map(padded).join('  ').trimEnd()).join('\n');
};

const describe = ({ shares, refreshAt, reads }: Plan): string =>
  [
    ...shares.map(({ provider, connections, lifetime, packed, keys, schedules }) =>
      [
        `${connections.toLocaleString('en-US')} of ${provider.id}`,
        `tokens of ${lifetime / 60_000} minutes renewed after ${Math.round(refreshAt * 100)}%`,
        `${packed} in a secret`,
        ...(provider.rateLimit ? [`${keys} ${keys === 1 ? 'application' : 'applications'}`] : []),
        `${schedules} ${schedules === 1 ? 'schedule' : 'schedules'}`,
      ].join(', '),
    ),
    ...(reads > 0 ? [`${reads.toLocaleString('en-US')} reads through the API`] : []),
  ].join('\n');

/** For the terminal: each line with a cost, and the sums. */
export const costReportOf = (plan: Plan, usage: MonthlyUsage): string => {
  const [full, free] = [billOf(usage, { freeTier: false }), billOf(usage, { freeTier: true })];
  const lines = full.lines.flatMap(({ quantity, service, what, used, dollars: cost }) => {
    const withFree = free.lines.find(each => each.quantity === quantity)?.dollars ?? 0;
    return used > 0 ? [[service, what, amount(used), dollars(cost), dollars(withFree)]] : [];
  });
  const sums = ['together', '', '', dollars(full.total), dollars(free.total)];
  return [
    describe(plan),
    '',
    table([['', '', 'a month', 'US$', 'with free tier'], ...lines, sums]),
    '',
    `Prices of ${REGION} as of ${PRICES_OF}. Counted over ${plan.metered / 3_600_000} h of virtual time; durations are assumed (docs/cost.md).`,
  ].join('\n');
};

export const bothBills = (usage: MonthlyUsage): { readonly full: Bill; readonly free: Bill } => ({
  full: billOf(usage, { freeTier: false }),
  free: billOf(usage, { freeTier: true }),
});
