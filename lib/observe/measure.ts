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

/** Whether a run was an attempt to get a token that has ended, one way or the other. */
const attempts: Readonly<Partial<Record<RefreshReport['result'], 0 | 1>>> = { refreshed: 0, failed: 1, attention: 1 };

/** What a run measures: only what the watch cannot see in the records. */
export const measureRefresh = ({ result, calls, commitFailed }: RefreshReport): readonly Sample[] => {
  const failed = attempts[result];
  return [
    ...(failed === undefined ? [] : [{ name: names.failed, unit: 'Count', value: failed } as const]),
    ...count(names.calls, calls),
    ...count(names.postponed, result === 'postponed' ? 1 : 0),
    ...count(names.commitFailures, commitFailed ? 1 : 0),
  ];
};

/** What an invocation measures that failed as a whole: a store that refuses keeps all else from being known. */
export const measureError = (error: unknown): readonly Sample[] =>
  count(names.commitFailures, error instanceof RefresherError ? 1 : 0);

export const measureUnclaimed = (): readonly Sample[] => count(names.commitFailures, 1);

/** A mail or an event that people wait for is a write that failed. */
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
