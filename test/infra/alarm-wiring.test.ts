import { expect, test } from 'vitest';
import { alarmsFor } from '../../infra/alarms.ts';
import { lifeLeft } from '../../lib/core/health.ts';
import { defaultPolicy, renewalOf, tickOf } from '../../lib/core/policy.ts';
import { epochMs, plus } from '../../lib/core/types.ts';
import { metrics as own } from '../../lib/observe/metrics.ts';
import { providers } from '../../lib/providers/index.ts';
import { asList, type JsonObject } from '../iam/stacks.ts';
import { idOf } from '../kit/records.ts';
import { deployedResources, intrinsicText, ofType } from './template.ts';

const all = deployedResources();
const alarms = ofType(all, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
const specs = alarmsFor({
  name: 'token-refresher',
  tables: { tokens: 'tokens', connections: 'connections' },
  apiId: 'api',
  deadLetters: 'queue',
});

/** Each as AWS documents it: an alarm on a misspelled name would never fire. */
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
const watched = (alarm: JsonObject): Watched[] =>
  alarm.Metrics === undefined
    ? [alarm as unknown as Watched]
    : asList(alarm.Metrics).flatMap(each => {
        const { MetricStat } = each as { MetricStat?: { Metric: Watched } };
        return MetricStat ? [MetricStat.Metric] : [];
      });

test('every alarm watches metrics that exist', () => {
  for (const { Namespace, MetricName, Dimensions } of alarms.flatMap(watched)) {
    const names = Dimensions.map(({ Name }) => Name).toSorted();
    expect(documented[Namespace]).toContain(`${MetricName} ${names.join(' ')}`);
  }
});

test('a deployment watches its own metrics', () => {
  for (const name of ['token-refresher', 'staging']) {
    const watchedThere = ofType(deployedResources({ name }), 'AWS::CloudWatch::Alarm').flatMap(([, { Properties }]) =>
      watched(Properties),
    );
    const ours = watchedThere.filter(({ Namespace }) => Namespace === 'TokenRefresher');
    expect(ours.length).toBeGreaterThan(5);
    for (const { Dimensions } of ours) expect(Dimensions).toEqual([{ Name: 'service', Value: name }]);
  }
});

test('there are few custom metrics: each costs $0.30 a month', () => {
  expect(new Set(Object.values(own)).size).toBeLessThanOrEqual(10);
});

test('every alarm compares as its row of the table says', () => {
  const operators = {
    'at least': 'GreaterThanOrEqualToThreshold',
    'more than': 'GreaterThanThreshold',
    'less than': 'LessThanThreshold',
  };
  expect(alarms).toHaveLength(specs.length);
  for (const alarm of alarms) {
    const spec = specs.find(({ id }) => alarm.AlarmName === `token-refresher ${id}`);
    expect([
      spec?.id,
      alarm.ComparisonOperator,
      alarm.Threshold,
      alarm.TreatMissingData,
      alarm.EvaluationPeriods,
      alarm.DatapointsToAlarm,
    ]).toEqual([
      spec?.id,
      spec && operators[spec.comparison],
      spec?.threshold,
      spec?.missingData,
      spec?.evaluationPeriods,
      spec?.datapointsToAlarm,
    ]);
  }
});

test('silence of the watch is the failure, data that is two minutes late is not', () => {
  const silent = specs.find(({ id }) => id === 'watch-silent');
  expect(silent?.series).toMatchObject({ kind: 'samples', metric: { name: own.longestOverdue } });
  expect([silent?.comparison, silent?.threshold]).toEqual(['less than', 1]);
  const late = 2 + 1;
  expect(silent?.datapointsToAlarm).toBeGreaterThan(late);
});

test('shares, sums and samples are metric math', () => {
  const expressions = alarms.flatMap(({ Metrics }) =>
    asList(Metrics ?? []).flatMap(each => (each as { Expression?: string }).Expression ?? []),
  );
  expect(new Set(expressions)).toEqual(
    new Set(['FILL(m0,0)', '100*FILL(part,0)/(FILL(m0,0))', 'FILL(m0,0)+FILL(m1,0)+FILL(m2,0)']),
  );
});

test.each(providers)('$id: one failed renewal does not raise the alarm of low life', provider => {
  const threshold = specs.find(({ id }) => id === 'life-low')?.threshold ?? Number.NaN;
  const { refreshAt, runDeadline } = defaultPolicy;
  const { lifetime } = provider;
  for (const connection of Array.from({ length: 50 }, (_, n) => idOf(`name-${n}`))) {
    const token = { connection, issuedAt: epochMs(0), expiresAt: epochMs(lifetime) };
    const renewal = renewalOf(defaultPolicy, connection, token.issuedAt, token.expiresAt);
    // It fails up to a tick after it is due, and takes some time.
    const failedAt = plus(renewal, tickOf(provider) + runDeadline / 2);
    expect(lifeLeft(token, { refreshAt }, failedAt)).toBeGreaterThan(threshold);
  }
});

test('the key lets CloudWatch encrypt what it publishes to the topic', () => {
  const [key] = ofType(all, 'AWS::KMS::Key').map(
    ([, { Properties }]) => Properties.KeyPolicy as { Statement: JsonObject[] },
  );
  const statement = key?.Statement.find(each =>
    intrinsicText(all, each.Principal).includes('cloudwatch.amazonaws.com'),
  );
  expect(statement).toMatchObject({ Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'] });
});
