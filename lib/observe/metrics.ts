/**
 * The names of every metric: what functions emit and what alarms watch. None has a dimension apart from the deployment, so
 * their number is the same for one provider and for twenty; logs have the numbers of each provider. CloudWatch bills a
 * custom metric for the hours in which it has a value: those that count trouble have one only if there is some.
 */
export const NAMESPACE = 'TokenRefresher';

export const metrics = {
  /** From 0 to 1, of every watch: see `lifeLeft` in lib/core/health.ts. */
  lowestLife: 'LowestLife',
  /** Of every watch: how long the longest overdue connection is due; 1 is as long as one should be. Its samples are the watch's heartbeat. */
  longestOverdue: 'LongestOverdue',
  needsAttention: 'NeedsAttention',
  /** Milliseconds. */
  longestFailing: 'LongestFailing',
  /** Days until the next of the secrets and sessions expires that have an end. */
  nextExpiry: 'NextExpiry',
  /** Secrets that cannot become connections, and records that cannot be read. */
  discoveryProblems: 'DiscoveryProblems',
  /** Of each refresh: 1 if it failed, otherwise 0. Its average is the share that fails, its sample count all refreshes. */
  failed: 'Failed',
  postponed: 'Postponed',
  commitFailures: 'CommitFailures',
  /** Calls of token endpoints. */
  calls: 'Calls',
} as const;

export type MetricName = (typeof metrics)[keyof typeof metrics];

/** The dimensions of all metrics of a deployment, by its name. */
export const dimensionsOf = (deployment: string): Readonly<Record<string, string>> => ({ service: deployment });
