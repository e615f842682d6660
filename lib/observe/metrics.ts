/**
 * The names of every metric: what functions emit and what alarms watch. All of them are O(1) in the connections. A custom
 * metric costs by the month in which it has a value, so that the ones that count trouble are emitted only where there is some.
 */
export const NAMESPACE = 'TokenRefresher';
/** The dimensions: `service` everywhere, and the provider where a function serves one alone. */
export const SERVICE = 'token-refresher';
export const PROVIDER = 'Provider';

export const metrics = {
  /** Milliseconds; the one metric that every tick emits, so that its sample count is the scheduler's heartbeat. */
  oldestOverdue: 'OldestOverdue',
  /** From 0 to 1; of every tick with connections. */
  lowestLife: 'LowestLife',
  connections: 'Connections',
  refreshed: 'Refreshed',
  failed: 'Failed',
  postponed: 'Postponed',
  needsAttention: 'NeedsAttention',
  commitFailures: 'CommitFailures',
  /** Items of the table that no version of this program wrote. */
  brokenRecords: 'BrokenRecords',
  /** Of every discovery, 0 too: the heartbeat of `discover`. */
  discoveryProblems: 'DiscoveryProblems',
} as const;

export type MetricName = (typeof metrics)[keyof typeof metrics];

/** The dimensions of a provider's metrics; without a provider, those of the functions that serve all. */
export const dimensionsOf = (provider?: string): Readonly<Record<string, string>> => ({
  service: SERVICE,
  ...(provider !== undefined && { [PROVIDER]: provider }),
});
