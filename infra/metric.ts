import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { dimensionsOf, type MetricName, NAMESPACE } from '../lib/observe/metrics.ts';
import type { MetricRef, Series, Statistic } from './alarm-spec.ts';

/** The default statistic of each metric. */
const statistics: Readonly<Record<MetricName, Statistic>> = {
  LowestLife: 'Minimum',
  LongestOverdue: 'Maximum',
  NeedsAttention: 'Maximum',
  LongestFailing: 'Maximum',
  NextExpiry: 'Minimum',
  DiscoveryProblems: 'Maximum',
  Failed: 'Average',
  Postponed: 'Sum',
  CommitFailures: 'Sum',
  Calls: 'Sum',
};

/** A metric of a deployment. */
export const ownMetric = (deployment: string, name: MetricName, options: MetricOptions = {}): Metric =>
  new Metric({
    namespace: NAMESPACE,
    metricName: name,
    dimensionsMap: { ...dimensionsOf(deployment) },
    statistic: statistics[name],
    period: Duration.minutes(5),
    ...options,
  });

export const metricOf = ({ namespace, name, dimensions }: MetricRef, statistic: string, period: Duration): Metric =>
  new Metric({ namespace, metricName: name, dimensionsMap: { ...dimensions }, statistic, period });

const ids = (metrics: readonly MetricRef[], period: Duration): Record<string, IMetric> =>
  Object.fromEntries(metrics.map((metric, n) => [`m${n}`, metricOf(metric, 'Sum', period)]));
const total = (metrics: readonly MetricRef[]): string => metrics.map((_, n) => `FILL(m${n},0)`).join('+');

/** A series as a CloudWatch metric or expression with this period. */
export const seriesOf = (series: Series, period: Duration, label: string): IMetric => {
  switch (series.kind) {
    case 'metric':
      return metricOf(series.metric, series.statistic, period);
    case 'samples':
      return new MathExpression({
        expression: 'FILL(m0,0)',
        usingMetrics: { m0: metricOf(series.metric, 'SampleCount', period) },
        period,
        label,
      });
    case 'sum':
      return new MathExpression({
        expression: total(series.metrics),
        usingMetrics: ids(series.metrics, period),
        period,
        label,
      });
    case 'share':
      return new MathExpression({
        expression: `100*FILL(part,0)/(${total(series.among)})`,
        usingMetrics: { part: metricOf(series.part, 'Sum', period), ...ids(series.among, period) },
        period,
        label,
      });
  }
};
