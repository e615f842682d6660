/** The names of every metric: what functions emit and what alarms watch. All of them are O(1) in the connections. */
export const NAMESPACE = 'TokenRefresher';
/** The dimensions: `service` everywhere, and the provider where a function serves one alone. */
export const SERVICE = 'token-refresher';
export const PROVIDER = 'Provider';

export const metrics = {
  /** One for every tick that ran to its end: silence is failure. */
  ticks: 'Ticks',
  connections: 'Connections',
  due: 'Due',
  left: 'Left',
  refreshed: 'Refreshed',
  failed: 'Failed',
  postponed: 'Postponed',
  needsAttention: 'NeedsAttention',
  /** Milliseconds. */
  oldestOverdue: 'OldestOverdue',
  /** 0 to 1. */
  lowestLife: 'LowestLife',
  commitFailures: 'CommitFailures',
  /** Items of the table that no version of this program wrote. */
  brokenRecords: 'BrokenRecords',
  providerCalls: 'ProviderCalls',
  discoveries: 'Discoveries',
  discoveryProblems: 'DiscoveryProblems',
} as const;

export type MetricName = (typeof metrics)[keyof typeof metrics];
