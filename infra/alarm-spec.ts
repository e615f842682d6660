import type { Milliseconds } from '../lib/core/types.ts';

/** A metric as CloudWatch knows it. */
export interface MetricRef {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}
export type Statistic = 'Minimum' | 'Maximum' | 'Average' | 'Sum' | 'p99';

/** What an alarm looks at in each period. A metric without data in a period counts as 0 in a sum or a share. */
export type Series =
  | { readonly kind: 'metric'; readonly metric: MetricRef; readonly statistic: Statistic }
  /** How often it was measured. 0 and not missing where it was not: missing periods are looked for further back, and cost minutes. */
  | { readonly kind: 'samples'; readonly metric: MetricRef }
  | { readonly kind: 'sum'; readonly metrics: readonly MetricRef[] }
  /** `part` of all that `among` add up to, in percent; no data where that is nothing. */
  | { readonly kind: 'share'; readonly part: MetricRef; readonly among: readonly MetricRef[] };

/** An alarm as data: infrastructure builds it, tests loop over it, the simulator evaluates it. */
export interface AlarmSpec {
  /** The id of its section in the runbook; with the deployment's name it is the alarm's name. */
  readonly id: string;
  readonly title: string;
  readonly series: Series;
  readonly period: Milliseconds;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly comparison: 'at least' | 'more than' | 'less than';
  readonly threshold: number;
  /** What a period without data means. Never left to a default: for a heartbeat, silence is the failure. */
  readonly missingData: 'breaching' | 'notBreaching' | 'ignore';
}

/** What is deployed, as far as alarms care. */
export interface Deployment {
  readonly name: string;
  readonly tables: Readonly<Record<'tokens' | 'connections', string>>;
  readonly apiId: string;
  readonly deadLetters: string;
}
