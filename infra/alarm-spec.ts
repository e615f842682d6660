import type { Milliseconds } from '../lib/core/types.ts';

/** A metric in the terms of CloudWatch. */
export interface MetricRef {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}
export type Statistic = 'Minimum' | 'Maximum' | 'Average' | 'Sum' | 'p99';

/** What an alarm evaluates in each period. A metric without data in a period counts as 0 in a sum or a share. */
export type Series =
  | { readonly kind: 'metric'; readonly metric: MetricRef; readonly statistic: Statistic }
  /**
   * The number of samples. 0 if there are none, not missing: for missing periods CloudWatch looks further back, which
   * takes minutes.
   */
  | { readonly kind: 'samples'; readonly metric: MetricRef }
  | { readonly kind: 'sum'; readonly metrics: readonly MetricRef[] }
  /** `part` in percent of the sum of `among`; no data if that sum is 0. */
  | { readonly kind: 'share'; readonly part: MetricRef; readonly among: readonly MetricRef[] };

/** An alarm as data: infrastructure builds it, tests iterate over it, the simulator evaluates it. */
export interface AlarmSpec {
  /** The id of its section in the runbook; the alarm's name is the deployment's name and this id. */
  readonly id: string;
  readonly title: string;
  readonly series: Series;
  readonly period: Milliseconds;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly comparison: 'at least' | 'more than' | 'less than';
  readonly threshold: number;
  /** The meaning of a period without data. It has no default: for a heartbeat, silence is the failure. */
  readonly missingData: 'breaching' | 'notBreaching' | 'ignore';
}

/** The resources of a deployment that alarms need. */
export interface Deployment {
  readonly name: string;
  readonly tables: Readonly<Record<'tokens' | 'connections', string>>;
  readonly apiId: string;
  readonly deadLetters: string;
}
