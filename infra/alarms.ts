import { defaultPolicy } from '../lib/core/policy.ts';
import { minutes, seconds } from '../lib/core/types.ts';
import { dimensionsOf, type MetricName, metrics, NAMESPACE } from '../lib/observe/metrics.ts';
import type { AlarmSpec, Deployment, MetricRef, Series, Statistic } from './alarm-spec.ts';

type Provider = Deployment['providers'][number];
type Shape = Omit<AlarmSpec, 'id' | 'runbook'>;

/** Every alarm, each row of the tables below for everything it is about. O(1) in the connections. */
export const alarmsFor = (deployment: Deployment): readonly AlarmSpec[] => [
  ...deployment.providers.flatMap(each => rows(each.id, providerAlarms(each))),
  ...deployment.functions.flatMap(each => rows(each.id, functionAlarms(each))),
  ...deployment.tables.flatMap(each => rows(each.id, tableAlarms(each))),
  ...rows(undefined, sharedAlarms(deployment)),
];

const rows = (about: string | undefined, shapes: Readonly<Record<string, Shape>>): AlarmSpec[] =>
  Object.entries(shapes).map(([runbook, shape]) => ({
    ...shape,
    id: about === undefined ? runbook : `${runbook}-${about}`,
    runbook,
    title: about === undefined ? shape.title : `${about}: ${shape.title}`,
  }));

/** The alarm's state is decided by one datapoint alone, or by so many in a row. */
const inARow = (n: number) => ({ evaluationPeriods: n, datapointsToAlarm: n });
const once = inARow(1);
const own = (name: MetricName, provider?: string): MetricRef => ({
  namespace: NAMESPACE,
  name,
  dimensions: dimensionsOf(provider),
});
const stat = (statistic: Statistic, metric: MetricRef): Series => ({ kind: 'metric', metric, statistic });

/**
 * Half of what a healthy token has left when it is renewed; but enough for a schedule that falls silent just after to be
 * noticed before the token dies, which takes `tick-missing` up to three ticks; and never as much as a token still has
 * when its first renewal failed.
 */
const lowLife = ({ lifetime, tick, refreshAt }: Provider): number => {
  const afterOneFailure = 1 - refreshAt * (1 + defaultPolicy.jitter) - tick / lifetime;
  return Math.max(0.02, (1 - refreshAt) / 2, Math.min((3.25 * tick) / lifetime, afterOneFailure));
};

const providerAlarms = (provider: Provider) => {
  const { id, lifetime, tick, schedules } = provider;
  const of = (name: MetricName) => own(name, id);
  return {
    'tick-missing': {
      title: 'the schedule has gone silent',
      series: { kind: 'samples', metric: of(metrics.oldestOverdue) },
      period: tick,
      ...inARow(2),
      comparison: 'less than',
      threshold: schedules,
      missingData: 'breaching',
    },
    overdue: {
      title: 'a connection has been due for too long',
      series: stat('Maximum', of(metrics.oldestOverdue)),
      period: tick,
      ...once,
      comparison: 'at least',
      threshold: Math.max(2 * tick, lifetime / 10),
      missingData: 'ignore',
    },
    'life-low': {
      title: 'a token has less of its life left than any should',
      series: stat('Minimum', of(metrics.lowestLife)),
      period: tick,
      ...once,
      comparison: 'less than',
      threshold: lowLife(provider),
      missingData: 'notBreaching',
    },
    attention: {
      title: 'a connection needs a person',
      series: stat('Maximum', of(metrics.needsAttention)),
      period: tick,
      ...once,
      comparison: 'at least',
      threshold: 1,
      missingData: 'notBreaching',
    },
    'refreshes-failing': {
      title: 'more than half of the refreshes fail',
      series: { kind: 'share', part: of(metrics.failed), among: [of(metrics.failed), of(metrics.refreshed)] },
      period: tick,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      comparison: 'more than',
      threshold: 50,
      missingData: 'notBreaching',
    },
    'commit-failing': {
      title: 'the store does not take what a refresh brought',
      series: stat('Sum', of(metrics.commitFailures)),
      period: tick,
      ...once,
      comparison: 'at least',
      threshold: 1,
      missingData: 'notBreaching',
    },
    'record-broken': {
      title: 'a connection’s record cannot be read',
      series: stat('Maximum', of(metrics.brokenRecords)),
      period: tick,
      ...once,
      comparison: 'at least',
      threshold: 1,
      missingData: 'notBreaching',
    },
  } as const satisfies Record<string, Shape>;
};

const lambda = (functionName: string, name: string): MetricRef => ({
  namespace: 'AWS/Lambda',
  name,
  dimensions: { FunctionName: functionName },
});

const functionAlarms = ({ name, timeout, every }: Deployment['functions'][number]) =>
  ({
    'function-errors': {
      title: 'the function fails',
      series: stat('Sum', lambda(name, 'Errors')),
      period: every,
      ...once,
      comparison: 'at least',
      threshold: 1,
      missingData: 'notBreaching',
    },
    'function-throttled': {
      title: 'the function is throttled',
      series: stat('Sum', lambda(name, 'Throttles')),
      period: every,
      ...once,
      comparison: 'at least',
      threshold: 1,
      missingData: 'notBreaching',
    },
    'function-slow': {
      title: 'the function comes close to its timeout',
      series: stat('Maximum', lambda(name, 'Duration')),
      period: every,
      ...once,
      comparison: 'at least',
      threshold: timeout * 0.8,
      missingData: 'notBreaching',
    },
  }) as const satisfies Record<string, Shape>;

const tableAlarms = ({ name }: Deployment['tables'][number]) => {
  const events = (metric: string): MetricRef => ({
    namespace: 'AWS/DynamoDB',
    name: metric,
    dimensions: { TableName: name },
  });
  return {
    'table-throttled': {
      title: 'the table is throttled',
      series: { kind: 'sum', metrics: [events('ReadThrottleEvents'), events('WriteThrottleEvents')] },
      period: minutes(5),
      ...once,
      comparison: 'at least',
      threshold: 1,
      missingData: 'notBreaching',
    },
  } as const satisfies Record<string, Shape>;
};

const sharedAlarms = ({ apiId, deadLetters }: Deployment) => {
  const api = (name: string): MetricRef => ({ namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: apiId } });
  const queue = {
    namespace: 'AWS/SQS',
    name: 'ApproximateNumberOfMessagesVisible',
    dimensions: { QueueName: deadLetters },
  };
  return {
    'discovery-missing': {
      title: 'nobody looks for new secrets: the scheduler may be dead',
      series: { kind: 'samples', metric: own(metrics.discoveryProblems) },
      period: minutes(1),
      ...inARow(3),
      comparison: 'less than',
      threshold: 1,
      missingData: 'breaching',
    },
    'discovery-problems': {
      title: 'a secret cannot become a connection',
      series: stat('Maximum', own(metrics.discoveryProblems)),
      period: minutes(1),
      ...inARow(5),
      comparison: 'at least',
      threshold: 1,
      missingData: 'ignore',
    },
    'dead-letters': {
      title: 'a tick could not be delivered',
      series: stat('Maximum', queue),
      period: minutes(1),
      ...once,
      comparison: 'at least',
      threshold: 1,
      // A queue that nobody uses stops telling its length, however long it is.
      missingData: 'ignore',
    },
    'api-errors': {
      title: 'more than a twentieth of the API’s answers are errors of ours',
      series: { kind: 'share', part: api('5xx'), among: [api('Count')] },
      period: minutes(1),
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      comparison: 'more than',
      threshold: 5,
      missingData: 'notBreaching',
    },
    'api-slow': {
      title: 'one in a hundred of the API’s answers takes seconds',
      series: stat('p99', api('Latency')),
      period: minutes(1),
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      comparison: 'at least',
      threshold: seconds(5),
      missingData: 'notBreaching',
    },
  } as const satisfies Record<string, Shape>;
};
