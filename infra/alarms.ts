import { LOW_LIFE } from '../lib/core/health.ts';
import { minutes, seconds } from '../lib/core/types.ts';
import { dimensionsOf, type MetricName, metrics, NAMESPACE } from '../lib/observe/metrics.ts';
import type { AlarmSpec, Deployment, MetricRef, Series, Statistic } from './alarm-spec.ts';

type Shape = Omit<AlarmSpec, 'id'>;

/** Every alarm. Their number is the same for one provider and for twenty, for one connection and for 100,000. */
export const alarmsFor = (deployment: Deployment): readonly AlarmSpec[] =>
  Object.entries({
    ...watchAlarms(deployment),
    ...refreshAlarms(deployment),
    ...apiAlarms(deployment),
    ...resourceAlarms(deployment),
  }).map(([id, shape]) => ({ ...shape, id }));

/** `n` consecutive datapoints decide the alarm's state. */
const inARow = (n: number) => ({ evaluationPeriods: n, datapointsToAlarm: n });
const once = inARow(1);
const atLeast = (threshold: number) => ({ comparison: 'at least', threshold }) as const;
const moreThan = (threshold: number) => ({ comparison: 'more than', threshold }) as const;
const lessThan = (threshold: number) => ({ comparison: 'less than', threshold }) as const;
const stat = (statistic: Statistic, metric: MetricRef): Series => ({ kind: 'metric', metric, statistic });
const ownOf =
  ({ name: deployment }: Deployment) =>
  (name: MetricName): MetricRef => ({ namespace: NAMESPACE, name, dimensions: dimensionsOf(deployment) });

/** Alarms on the watch's minutely view of all connections, and on the watch itself. */
const watchAlarms = (deployment: Deployment) => {
  const of = ownOf(deployment);
  return {
    'watch-silent': {
      title: 'The watch has not run for 5 minutes: nothing is discovered or judged',
      series: { kind: 'samples', metric: of(metrics.longestOverdue) },
      period: minutes(1),
      // Data may come two minutes late, and a new deployment begins with minutes without data.
      ...inARow(5),
      ...lessThan(1),
      // Without data, a new deployment does not alarm, and later the state stays.
      missingData: 'ignore',
    },
    overdue: {
      title: 'Connection overdue for a refresh',
      series: stat('Maximum', of(metrics.longestOverdue)),
      period: minutes(1),
      ...once,
      ...atLeast(1),
      missingData: 'ignore',
    },
    'life-low': {
      title: 'Token close to expiry: half of the time to renew it has passed',
      series: stat('Minimum', of(metrics.lowestLife)),
      period: minutes(1),
      ...once,
      ...lessThan(LOW_LIFE),
      missingData: 'ignore',
    },
    attention: {
      title: 'Connection needs attention',
      series: stat('Maximum', of(metrics.needsAttention)),
      period: minutes(1),
      ...once,
      ...atLeast(1),
      missingData: 'notBreaching',
    },
    'discovery-problems': {
      title: 'Invalid secret, or unreadable record',
      series: stat('Maximum', of(metrics.discoveryProblems)),
      period: minutes(1),
      ...inARow(5),
      ...atLeast(1),
      missingData: 'notBreaching',
    },
    expiring: {
      title: 'Credentials or a session expire within 14 days',
      series: stat('Minimum', of(metrics.nextExpiry)),
      period: minutes(5),
      ...once,
      ...lessThan(14),
      missingData: 'notBreaching',
    },
  } as const satisfies Record<string, Shape>;
};

/** Alarms on what only a refresh can measure. */
const refreshAlarms = (deployment: Deployment) => {
  const of = ownOf(deployment);
  return {
    'refreshes-failing': {
      title: 'More than half of all refreshes fail',
      series: stat('Average', of(metrics.failed)),
      period: minutes(5),
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      ...moreThan(0.5),
      missingData: 'notBreaching',
    },
    'commits-failing': {
      title: 'DynamoDB, Secrets Manager, SNS or EventBridge refuses requests',
      series: stat('Sum', of(metrics.commitFailures)),
      period: minutes(1),
      ...once,
      ...atLeast(1),
      missingData: 'notBreaching',
    },
  } as const satisfies Record<string, Shape>;
};

const apiAlarms = ({ apiId }: Deployment) => {
  const api = (name: string): MetricRef => ({ namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: apiId } });
  return {
    'api-errors': {
      title: 'More than 5% of the API answers are 5xx',
      series: { kind: 'share', part: api('5xx'), among: [api('Count')] },
      period: minutes(1),
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      ...moreThan(5),
      missingData: 'notBreaching',
    },
    'api-slow': {
      title: 'API p99 latency over 5 s',
      series: stat('p99', api('Latency')),
      period: minutes(1),
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      ...atLeast(seconds(5)),
      missingData: 'notBreaching',
    },
  } as const satisfies Record<string, Shape>;
};

const resourceAlarms = ({ tables, deadLetters }: Deployment) => {
  const events = (TableName: string, name: string): MetricRef => ({
    namespace: 'AWS/DynamoDB',
    name,
    dimensions: { TableName },
  });
  const queue = {
    namespace: 'AWS/SQS',
    name: 'ApproximateNumberOfMessagesVisible',
    dimensions: { QueueName: deadLetters },
  };
  return {
    'functions-failing': {
      title: 'Dead-letter queue is not empty: a refresh or watch failed',
      series: stat('Maximum', queue),
      period: minutes(1),
      ...once,
      ...atLeast(1),
      // An unused queue stops reporting its length, even if it is not empty.
      missingData: 'ignore',
    },
    'tables-throttled': {
      title: 'DynamoDB throttles a table',
      series: {
        kind: 'sum',
        // A throttled write to `Tokens` is reported as a failed commit.
        metrics: [
          events(tables.tokens, 'ReadThrottleEvents'),
          events(tables.connections, 'ReadThrottleEvents'),
          events(tables.connections, 'WriteThrottleEvents'),
        ],
      },
      period: minutes(5),
      ...once,
      ...atLeast(1),
      missingData: 'notBreaching',
    },
  } as const satisfies Record<string, Shape>;
};
