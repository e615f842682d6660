import { RefresherError } from '../core/errors.ts';
import type { Health } from '../core/health.ts';
import { hours } from '../core/types.ts';
import type { DiscoverReport } from '../discovery/discover.ts';
import type { RefreshReport } from '../refresh/report.ts';
import { type MetricName, metrics as names } from './metrics.ts';

/** One value of one metric. */
export interface Sample {
  readonly name: MetricName;
  readonly unit: 'Count' | 'Milliseconds' | 'NoUnit';
  readonly value: number;
}

const count = (name: MetricName, value: number): Sample[] => (value > 0 ? [{ name, unit: 'Count', value }] : []);

/** Whether a run was a completed attempt to get a token, and failed (1) or not (0). */
const attempts: Readonly<Partial<Record<RefreshReport['result'], 0 | 1>>> = { refreshed: 0, failed: 1, attention: 1 };

/** The metrics of a run: only what the watch cannot see in the records. */
export const measureRefresh = ({ result, calls, commitFailed }: RefreshReport): readonly Sample[] => {
  const failed = attempts[result];
  return [
    ...(failed === undefined ? [] : [{ name: names.failed, unit: 'Count', value: failed } as const]),
    ...count(names.calls, calls),
    ...count(names.postponed, result === 'postponed' ? 1 : 0),
    ...count(names.commitFailures, commitFailed ? 1 : 0),
  ];
};

/** The metrics of an invocation that failed as a whole: if a store refuses, nothing else can be measured. */
export const measureError = (error: unknown): readonly Sample[] =>
  count(names.commitFailures, error instanceof RefresherError ? 1 : 0);

export const measureUnclaimed = (): readonly Sample[] => count(names.commitFailures, 1);

/** An unsent mail or event counts as a failed write. */
export const measureUnsent = (): readonly Sample[] => count(names.commitFailures, 1);

export const measureHealth = (health: Health): readonly Sample[] => [
  { name: names.longestOverdue, unit: 'NoUnit', value: health.longestOverdue },
  { name: names.lowestLife, unit: 'NoUnit', value: health.lowestLife },
  ...count(names.needsAttention, health.byStatus.attention),
  ...(health.longestFailing > 0
    ? [{ name: names.longestFailing, unit: 'Milliseconds', value: health.longestFailing } as const]
    : []),
  ...(health.nextExpiry !== undefined
    ? [{ name: names.nextExpiry, unit: 'NoUnit', value: health.nextExpiry / hours(24) } as const]
    : []),
];

export const measureDiscovery = ({ problems }: DiscoverReport): readonly Sample[] =>
  count(names.discoveryProblems, problems.length);

export const measureBrokenRecord = (): readonly Sample[] => count(names.discoveryProblems, 1);
