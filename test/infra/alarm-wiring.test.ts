import { expect, test } from 'vitest';
import { alarmsFor } from '../../infra/alarms.ts';
import { defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import { metrics as own } from '../../lib/observe/metrics.ts';
import { providers } from '../../lib/providers/index.ts';
import { deployed, type Json, listOf, ofType, textOf } from './template.ts';

const all = deployed();
const alarms = ofType(all, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
const specs = alarmsFor({
  providers: providers.map(({ id, lifetime }) => ({ id, lifetime, tick: 60_000, schedules: 1, refreshAt: 0.5 })),
  functions: [{ id: 'api', name: 'api', timeout: 29_000, every: 300_000 }],
  tables: [{ id: 'tokens', name: 'tokens' }],
  apiId: 'api',
  deadLetters: 'queue',
});

/** Each as AWS documents it: a name that is a letter off would watch nothing for ever. */
const documented: Readonly<Record<string, readonly string[]>> = {
  'AWS/Lambda': ['Errors FunctionName', 'Throttles FunctionName', 'Duration FunctionName'],
  'AWS/DynamoDB': ['ReadThrottleEvents TableName', 'WriteThrottleEvents TableName'],
  'AWS/ApiGateway': ['5xx ApiId', 'Count ApiId', 'Latency ApiId'],
  'AWS/SQS': ['ApproximateNumberOfMessagesVisible QueueName'],
  TokenRefresher: Object.values(own).flatMap(name => [`${name} Provider service`, `${name} service`]),
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
    const [, runbook] = String(alarm.AlarmDescription).split('#');
    const spec = specs.find(each => each.runbook === runbook);
    expect([runbook, alarm.ComparisonOperator]).toEqual([runbook, spec && operators[spec.comparison]]);
    expect([runbook, alarm.TreatMissingData]).toEqual([runbook, spec?.missingData]);
    expect([runbook, alarm.EvaluationPeriods, alarm.DatapointsToAlarm]).toEqual([
      runbook,
      spec?.evaluationPeriods,
      spec?.datapointsToAlarm,
    ]);
  }
});

test('for a heartbeat, silence is the failure', () => {
  const heartbeats = specs.filter(({ series, comparison }) => series.kind === 'samples' && comparison === 'less than');
  expect(new Set(heartbeats.map(({ runbook }) => runbook))).toEqual(new Set(['tick-missing', 'discovery-missing']));
  for (const { id, missingData } of heartbeats) expect([id, missingData]).toEqual([id, 'breaching']);
});

test('a share is a part of its sum, in percent', () => {
  const expressions = alarms.flatMap(({ Metrics }) =>
    listOf(Metrics ?? []).flatMap(each => (each as { Expression?: string }).Expression ?? []),
  );
  expect(new Set(expressions)).toEqual(
    new Set([
      'FILL(m0,0)',
      '100*FILL(part,0)/(FILL(m0,0)+FILL(m1,0))',
      '100*FILL(part,0)/(FILL(m0,0))',
      'FILL(m0,0)+FILL(m1,0)',
    ]),
  );
});

test('no alarm of low life fires at the life that healthy tokens have when they are renewed', () => {
  for (const refreshAt of [0.1, 0.5, 0.7, 0.9]) {
    const one = { id: 'petrosoft', lifetime: 86_400_000, tick: 300_000, schedules: 1, refreshAt };
    const low = alarmsFor({ providers: [one], functions: [], tables: [], apiId: '', deadLetters: '' });
    expect(low.find(({ runbook }) => runbook === 'life-low')?.threshold).toBeLessThan(1 - refreshAt);
  }
});

test('a schedule that is silent is missed among others of its provider', () => {
  const several = { id: 'officernd', lifetime: 3_600_000, tick: 300_000, schedules: 3, refreshAt: 0.5 };
  const specs = alarmsFor({ providers: [several], functions: [], tables: [], apiId: '', deadLetters: '' });
  expect(specs.find(({ runbook }) => runbook === 'tick-missing')).toMatchObject({
    comparison: 'less than',
    threshold: 3,
  });
});

test.each(providers)('$id: silence after the last word on a token is noticed before it dies', provider => {
  const tick = tickOf(provider);
  const { id, lifetime } = provider;
  const one = { id, lifetime, tick, schedules: 1, refreshAt: defaultPolicy.refreshAt };
  const [low, silent] = ['life-low', 'tick-missing'].map(runbook =>
    alarmsFor({ providers: [one], functions: [], tables: [], apiId: '', deadLetters: '' }).find(
      alarm => alarm.runbook === runbook,
    ),
  );
  const left = (low?.threshold ?? 0) * lifetime;
  // The period of the last word, and as many as have to be silent.
  expect(left).toBeGreaterThan((1 + (silent?.evaluationPeriods ?? Number.NaN)) * tick);
  // The first failure of a renewal is no reason to wake anyone: it comes up to a tick after it fell due, and takes a while.
  const { refreshAt, jitter, runDeadline } = defaultPolicy;
  expect(left).toBeLessThan(lifetime * (1 - refreshAt * (1 + jitter)) - tick - runDeadline / 2);
});

test('the key lets CloudWatch encrypt what it tells the topic', () => {
  const [key] = ofType(all, 'AWS::KMS::Key').map(([, { Properties }]) => Properties.KeyPolicy as { Statement: Json[] });
  const statement = key?.Statement.find(each => textOf(all, each.Principal).includes('cloudwatch.amazonaws.com'));
  expect(statement).toMatchObject({ Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'] });
});
