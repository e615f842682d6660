import { expect, test } from 'vitest';
import { alarmsFor } from '../../infra/alarms.ts';
import { metrics as own } from '../../lib/observe/metrics.ts';
import { deployed, type Json, listOf, ofType, textOf } from './template.ts';

const all = deployed();
const alarms = ofType(all, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
const specs = alarmsFor({
  name: 'shop',
  tables: { tokens: 'tokens', connections: 'connections' },
  apiId: 'api',
  deadLetters: 'queue',
});

/** Each as AWS documents it: a name that is a letter off would watch nothing for ever. */
const documented: Readonly<Record<string, readonly string[]>> = {
  'AWS/DynamoDB': ['ReadThrottleEvents TableName', 'WriteThrottleEvents TableName'],
  'AWS/ApiGateway': ['5xx ApiId', 'Count ApiId', 'Latency ApiId'],
  'AWS/SQS': ['ApproximateNumberOfMessagesVisible QueueName'],
  TokenRefresher: Object.values(own).map(name => `${name} service`),
};

interface Watched {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string }[];
}
const watched = (alarm: Json): Watched[] =>
  alarm.Metrics === undefined
    ? [alarm as unknown as Watched]
    : listOf(alarm.Metrics).flatMap(each => {
        const { MetricStat } = each as { MetricStat?: { Metric: Watched } };
        return MetricStat ? [MetricStat.Metric] : [];
      });

test('every alarm watches metrics that exist', () => {
  for (const { Namespace, MetricName, Dimensions } of alarms.flatMap(watched)) {
    const names = Dimensions.map(({ Name }) => Name).toSorted();
    expect(documented[Namespace]).toContain(`${MetricName} ${names.join(' ')}`);
  }
});

test('every alarm compares as its row of the table says', () => {
  const operators = {
    'at least': 'GreaterThanOrEqualToThreshold',
    'more than': 'GreaterThanThreshold',
    'less than': 'LessThanThreshold',
  };
  for (const alarm of alarms) {
    const [, id] = String(alarm.AlarmDescription).split('#');
    const spec = specs.find(each => each.id === id);
    expect(alarm).toMatchObject({
      AlarmName: `token-refresher ${id}`,
      ComparisonOperator: spec && operators[spec.comparison],
      TreatMissingData: spec?.missingData,
      Threshold: spec?.threshold,
      EvaluationPeriods: spec?.evaluationPeriods,
      DatapointsToAlarm: spec?.datapointsToAlarm,
    });
  }
});

test('silence of the watch is a failure once there was a word of it', () => {
  const heartbeats = specs.filter(({ series }) => series.kind === 'samples');
  expect(heartbeats).toMatchObject([
    { id: 'watch-silent', comparison: 'less than', threshold: 1, missingData: 'ignore', evaluationPeriods: 5 },
  ]);
});

test('a share is a part of its sum, in percent', () => {
  const expressions = alarms.flatMap(({ Metrics }) =>
    listOf(Metrics ?? []).flatMap(each => (each as { Expression?: string }).Expression ?? []),
  );
  expect(new Set(expressions)).toEqual(
    new Set(['FILL(m0,0)', '100*FILL(part,0)/(FILL(m0,0))', 'FILL(m0,0)+FILL(m1,0)+FILL(m2,0)']),
  );
});

test('the key lets CloudWatch encrypt what it tells the topic', () => {
  const [key] = ofType(all, 'AWS::KMS::Key').map(([, { Properties }]) => Properties.KeyPolicy as { Statement: Json[] });
  const statement = key?.Statement.find(each => textOf(all, each.Principal).includes('cloudwatch.amazonaws.com'));
  expect(statement).toMatchObject({ Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'] });
});
