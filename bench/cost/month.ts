import type { Plan } from './plan.ts';
import { type MonthlyUsage, type Quantity, quantities } from './prices.ts';
import type { Metered } from './run.ts';
import type { TemplateResources } from './template.ts';

/** As AWS counts a month, in milliseconds. */
export const MONTH = 730 * 3_600_000;
const GIGABYTE = 1024 ** 3;
const HOUR = 3_600_000;
/** CloudWatch stores logs compressed; this ratio for JSON is assumed. */
const COMPRESSED = 0.15;

/** The usage of a month: the template's resources, and the counts extrapolated to a month. */
export const monthlyUsageOf = (
  plan: Plan,
  deployed: TemplateResources,
  { meter, secrets, tableBytes }: Metered,
): MonthlyUsage => {
  const times = MONTH / plan.metered;
  const counted = Object.fromEntries(meter.counted.map(([quantity, used]) => [quantity, used * times]));
  const gigabytes = tableBytes / GIGABYTE;
  const logs = counted.logGigabytes ?? 0;
  const fixed: Partial<Record<Quantity, number>> = {
    secrets,
    keys: deployed.keys,
    alarmMetrics: deployed.alarmMetrics,
    dashboards: deployed.dashboards,
    // A metric with a value in each hour is billed in full.
    customMetrics: meter.metricHours.size / Math.ceil(plan.metered / HOUR),
    tableGigabytes: gigabytes,
    backupGigabytes: deployed.backups ? gigabytes : 0,
    keptLogGigabytes: logs * COMPRESSED * (deployed.logRetentionDays / (MONTH / (24 * HOUR))),
  };
  return Object.fromEntries(
    quantities.map(quantity => [quantity, fixed[quantity] ?? counted[quantity] ?? 0]),
  ) as unknown as MonthlyUsage;
};
