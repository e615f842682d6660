import type { DiscoverReport } from '../shell/discover.ts';
import type { RefreshReport } from '../shell/refresh.ts';
import type { SweepReport } from '../shell/sweep.ts';
import { type MetricName, metrics as names } from './metrics.ts';

/** One value of one metric. */
export interface Sample {
  readonly name: MetricName;
  readonly unit: 'Count' | 'Milliseconds' | 'NoUnit';
  readonly value: number;
}

const count = (name: MetricName, value: number): Sample[] => (value > 0 ? [{ name, unit: 'Count', value }] : []);

/** What a report measures, and nothing else is: logs say the rest. */
export const measureRefresh = ({ result, commitFailed }: RefreshReport): readonly Sample[] => [
  ...count(names.refreshed, result === 'refreshed' ? 1 : 0),
  ...count(names.failed, result === 'failed' || result === 'attention' ? 1 : 0),
  ...count(names.postponed, result === 'postponed' ? 1 : 0),
  ...count(names.commitFailures, commitFailed ? 1 : 0),
];

export const measureUnclaimed = (): readonly Sample[] => count(names.commitFailures, 1);

export const measureSweep = (report: SweepReport): readonly Sample[] => [
  { name: names.oldestOverdue, unit: 'Milliseconds', value: report.oldestOverdue },
  ...(report.connections > 0
    ? ([
        { name: names.lowestLife, unit: 'NoUnit', value: report.lowestLife },
        { name: names.connections, unit: 'Count', value: report.connections },
      ] as const)
    : []),
  ...count(names.needsAttention, report.byStatus.attention),
];

export const measureDiscovery = ({ problems }: DiscoverReport): readonly Sample[] => [
  { name: names.discoveryProblems, unit: 'Count', value: problems.length },
];

export const measureBrokenRecord = (): readonly Sample[] => count(names.brokenRecords, 1);
