/**
 * The names of all metrics: functions emit them and alarms watch them. The deployment is their only dimension: their
 * number is the same for one provider and for twenty. Logs have the numbers of each provider. CloudWatch bills a custom
 * metric for the hours in which it has a value: metrics that count trouble only have one if there is some.
 */
export const NAMESPACE = 'TokenRefresher';

/** The metrics of a deployment, each with its name in CloudWatch. */
export const metrics = {
  /** From 0 to 1, from every watch: see `lifeLeft` in lib/core/health.ts. */
  lowestLife: 'LowestLife',
  /**
   * From every watch: how overdue the most overdue connection is; 1 is the limit. Its samples are the watch's
   * heartbeat.
   */
  longestOverdue: 'LongestOverdue',
  needsAttention: 'NeedsAttention',
  /** Milliseconds. */
  longestFailing: 'LongestFailing',
  /** Days until the next secret or session with an end expires. */
  nextExpiry: 'NextExpiry',
  /** Secrets that cannot become connections, and records that cannot be read. */
  discoveryProblems: 'DiscoveryProblems',
  /**
   * From each refresh: 1 if it failed, otherwise 0. Its average is the share of failures, its sample count the number
   * of refreshes.
   */
  failed: 'Failed',
  postponed: 'Postponed',
  commitFailures: 'CommitFailures',
  /** Calls to token endpoints. */
  calls: 'Calls',
} as const;

/** The name of a metric in CloudWatch. */
export type MetricName = (typeof metrics)[keyof typeof metrics];

/** The dimensions of all metrics of a deployment, by its name. */
export const dimensionsOf = (deployment: string): Readonly<Record<string, string>> => ({ service: deployment });
