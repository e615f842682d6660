import type { AlarmSpec, MetricRef, Series, Statistic } from '../../infra/alarm-spec.ts';
import { type EpochMs, epochMs, type Milliseconds, minutes } from '../../lib/core/types.ts';

/** The values of one metric in one minute. */
interface Bucket {
  sum: number;
  count: number;
  minimum: number;
  maximum: number;
}

const keyOf = ({ namespace, name, dimensions }: MetricRef): string => {
  const sorted = Object.keys(dimensions).toSorted();
  return `${namespace}/${name}/${sorted.map(each => `${each}=${dimensions[each]}`).join(',')}`;
};

/** Measurements by metric and minute, as CloudWatch stores them. */
export class Measurements {
  readonly #metrics = new Map<string, Map<number, Bucket>>();
  readonly #known = new WeakMap<MetricRef, Map<number, Bucket>>();

  #buckets(metric: MetricRef): Map<number, Bucket> {
    const known = this.#known.get(metric);
    if (known) return known;
    const key = keyOf(metric);
    const buckets = this.#metrics.get(key) ?? new Map<number, Bucket>();
    this.#metrics.set(key, buckets);
    this.#known.set(metric, buckets);
    return buckets;
  }

  put(metric: MetricRef, at: EpochMs, value: number): void {
    const minute = Math.floor(at / minutes(1));
    const buckets = this.#buckets(metric);
    const bucket = buckets.get(minute);
    if (!bucket) buckets.set(minute, { sum: value, count: 1, minimum: value, maximum: value });
    else {
      bucket.sum += value;
      bucket.count += 1;
      bucket.minimum = Math.min(bucket.minimum, value);
      bucket.maximum = Math.max(bucket.maximum, value);
    }
  }

  /** Whether there was ever a value. */
  has(metric: MetricRef): boolean {
    return this.#buckets(metric).size > 0;
  }

  /** A statistic over a period; undefined if there is no data. */
  read(
    metric: MetricRef,
    statistic: Statistic | 'SampleCount',
    from: EpochMs,
    period: Milliseconds,
  ): number | undefined {
    const buckets = this.#buckets(metric);
    if (buckets.size === 0) return undefined;
    let total: Bucket | undefined;
    for (let minute = Math.floor(from / minutes(1)); minute < (from + period) / minutes(1); minute += 1) {
      const bucket = buckets.get(minute);
      if (!bucket) continue;
      total = total
        ? {
            sum: total.sum + bucket.sum,
            count: total.count + bucket.count,
            minimum: Math.min(total.minimum, bucket.minimum),
            maximum: Math.max(total.maximum, bucket.maximum),
          }
        : bucket;
    }
    return total && statisticOf(total, statistic);
  }
}

const statisticOf = (bucket: Bucket, statistic: Statistic | 'SampleCount'): number => {
  switch (statistic) {
    case 'Sum':
      return bucket.sum;
    case 'Average':
      return bucket.sum / bucket.count;
    case 'SampleCount':
      return bucket.count;
    case 'Minimum':
      return bucket.minimum;
    // The maximum is at least the 99th percentile: it alarms no later.
    case 'Maximum':
    case 'p99':
      return bucket.maximum;
  }
};

const datapoint = (data: Measurements, series: Series, from: EpochMs, period: Milliseconds): number | undefined => {
  const sum = (metric: MetricRef) => data.read(metric, 'Sum', from, period);
  const total = (metrics: readonly MetricRef[]) => metrics.reduce((all, metric) => all + (sum(metric) ?? 0), 0);
  switch (series.kind) {
    case 'metric':
      return data.read(series.metric, series.statistic, from, period);
    case 'samples':
      // FILL fills gaps, and needs one datapoint to fill from.
      return data.has(series.metric) ? (data.read(series.metric, 'SampleCount', from, period) ?? 0) : undefined;
    case 'sum':
      return series.metrics.some(metric => sum(metric) !== undefined) ? total(series.metrics) : undefined;
    case 'share': {
      const among = total(series.among);
      return among === 0 ? undefined : (100 * (sum(series.part) ?? 0)) / among;
    }
  }
};

const breaches = ({ comparison, threshold }: AlarmSpec, value: number): boolean => {
  if (comparison === 'at least') return value >= threshold;
  return comparison === 'more than' ? value > threshold : value < threshold;
};

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** CloudWatch's rules for one alarm: M out of N datapoints, and the treatment of missing ones. */
export class AlarmEvaluator {
  readonly spec: AlarmSpec;
  readonly #data: Measurements;
  state: AlarmState = 'INSUFFICIENT_DATA';
  /** When it went into ALARM and, if it did, out of it. */
  readonly fired: { readonly from: EpochMs; to?: EpochMs }[] = [];

  constructor(spec: AlarmSpec, data: Measurements) {
    this.spec = spec;
    this.#data = data;
  }

  /** Evaluates the last N periods at the end of a period. */
  evaluate(now: EpochMs): void {
    const { spec } = this;
    const points = Array.from({ length: spec.evaluationPeriods + RANGE }, (_, back) =>
      datapoint(this.#data, spec.series, epochMs(now - (back + 1) * spec.period), spec.period),
    );
    const state = stateOf(spec, points, this.state);
    if (state === 'ALARM' && this.state !== 'ALARM') this.fired.push({ from: now });
    const last = this.fired.at(-1);
    if (state !== 'ALARM' && last && last.to === undefined) last.to = now;
    this.state = state;
  }

  /** Whether it went into ALARM between the two times. */
  beganBetween(from: EpochMs, to: EpochMs): boolean {
    return this.fired.some(each => each.from >= from && each.from <= to);
  }

  /** Whether it was in ALARM at some time between the two. */
  firedBetween(from: EpochMs, to: EpochMs): boolean {
    return this.fired.some(each => each.from <= to && (each.to === undefined || each.to >= from));
  }
}

/** CloudWatch reads this many more periods, for data that come late. */
const RANGE = 2;

/** `points`: the latest first. Missing ones count only if there are fewer points than the alarm evaluates. */
const stateOf = (spec: AlarmSpec, points: readonly (number | undefined)[], state: AlarmState): AlarmState => {
  const there = points.filter(point => point !== undefined).slice(0, spec.evaluationPeriods);
  if (there.length === 0 && spec.missingData === 'ignore') return state;
  const bad = there.filter(point => breaches(spec, point)).length;
  const missing = spec.evaluationPeriods - there.length;
  const counted = spec.missingData === 'breaching' ? bad + missing : bad;
  return counted >= spec.datapointsToAlarm ? 'ALARM' : 'OK';
};
