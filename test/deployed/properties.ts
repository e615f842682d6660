import assert from 'node:assert/strict';
import type { RunnableDeployment } from './deployment.ts';
import { type LocalAws, physicalIdOf } from './emulator.ts';

type Resources = ReadonlyMap<string, string>;
const ids = (resources: Resources, pattern: RegExp) =>
  [...resources].filter(([id]) => pattern.test(id)).map(([, id]) => id);

/** Checks by AWS's own APIs whether the deployment matches the template. */
export const checkProperties = async (
  aws: LocalAws,
  resources: Resources,
  deployment: RunnableDeployment,
  providers: readonly string[],
): Promise<string> => {
  schedules(resources, deployment, providers);
  functions(resources, deployment, providers);
  await Promise.all([tables, queue, api, logs, alarms].map(check => check(aws, resources)));
  return 'tables, key, queue, API, log groups, schedules, alarms and functions are as asked for';
};

const tables = async (aws: LocalAws, resources: Resources) => {
  const key = physicalIdOf(resources, /StorageKey(?!Alias)/);
  const { KeyRotationEnabled } = await aws.call<{ KeyRotationEnabled: boolean }>(
    'kms',
    'get-key-rotation-status',
    '--key-id',
    key,
  );
  assert.equal(KeyRotationEnabled, true);
  for (const [pattern, keys] of [
    [/StorageTokens/, ['connection HASH']],
    [/StorageConnections/, ['shard HASH', 'connection RANGE']],
  ] as const) {
    const name = physicalIdOf(resources, pattern);
    const { Table } = await aws.call<{
      Table: {
        KeySchema: { AttributeName: string; KeyType: string }[];
        BillingModeSummary: { BillingMode: string };
        DeletionProtectionEnabled: boolean;
        SSEDescription: { Status: string; SSEType: string; KMSMasterKeyArn: string };
      };
    }>('dynamodb', 'describe-table', '--table-name', name);
    assert.deepEqual(
      Table.KeySchema.map(each => `${each.AttributeName} ${each.KeyType}`),
      keys,
    );
    assert.equal(Table.BillingModeSummary.BillingMode, 'PAY_PER_REQUEST');
    assert.equal(Table.DeletionProtectionEnabled, true);
    assert.equal(Table.SSEDescription.SSEType, 'KMS');
    assert.ok(Table.SSEDescription.KMSMasterKeyArn.endsWith(key));
    const { ContinuousBackupsDescription: backups } = await aws.call<{
      ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: string } };
    }>('dynamodb', 'describe-continuous-backups', '--table-name', name);
    assert.equal(backups.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus, 'ENABLED');
  }
};

const queue = async (aws: LocalAws, resources: Resources) => {
  const url = physicalIdOf(resources, /DeadLetters(?!Policy)/);
  const { Attributes } = await aws.call<{ Attributes: Record<string, string> }>(
    ...['sqs', 'get-queue-attributes', '--queue-url', url, '--attribute-names', 'All'],
  );
  assert.equal(Attributes.MessageRetentionPeriod, '1209600');
  assert.match(Attributes.Policy ?? '', /aws:SecureTransport/);
};

const api = async (aws: LocalAws, resources: Resources) => {
  const id = physicalIdOf(resources, /ApiHttpApi[0-9A-F]{8}$/);
  const { Items } = await aws.call<{ Items: { RouteKey: string; AuthorizationType: string }[] }>(
    ...['apigatewayv2', 'get-routes', '--api-id', id],
  );
  assert.deepEqual(Items.map(each => each.RouteKey).toSorted(), [
    '$default',
    'GET /connections',
    'GET /tokens/{provider}/{name}',
    'GET /tokens/{provider}/{name}/{key}',
    'POST /tokens/{provider}/{name}',
    'POST /tokens/{provider}/{name}/{key}',
  ]);
  assert.ok(Items.every(each => each.AuthorizationType === 'AWS_IAM'));
  const stage = await aws.call<{
    DefaultRouteSettings: { ThrottlingRateLimit: number };
    AccessLogSettings: { Format: string; DestinationArn: string };
  }>('apigatewayv2', 'get-stage', '--api-id', id, '--stage-name', '$default');
  assert.equal(stage.DefaultRouteSettings.ThrottlingRateLimit, 50);
  assert.match(stage.AccessLogSettings.Format, /\$context\.requestId/);
};

const logs = async (aws: LocalAws, resources: Resources) => {
  const names = ids(resources, /(Logs|AccessLogs)[0-9A-F]{8}$/);
  const { logGroups } = await aws.call<{ logGroups: { logGroupName: string; retentionInDays?: number }[] }>(
    'logs',
    'describe-log-groups',
  );
  const ours = logGroups.filter(each => names.includes(each.logGroupName));
  assert.equal(ours.length, names.length);
  assert.ok(ours.every(each => each.retentionInDays === 30));
};

const schedules = (resources: Resources, { schedules }: RunnableDeployment, providers: readonly string[]) => {
  assert.equal(schedules.length, providers.length + 1);
  for (const schedule of schedules) {
    assert.equal(schedule.State, 'ENABLED');
    assert.equal(schedule.FlexibleTimeWindow.Mode, 'OFF');
    assert.equal(schedule.Target.RetryPolicy.MaximumRetryAttempts, 3);
    assert.match(schedule.Target.DeadLetterConfig.Arn, /DeadLetters/);
    assert.match(schedule.ScheduleExpression, /^rate\(\d+ minutes?\)$/);
    assert.ok(ids(resources, /SchedulesGroup/).includes(schedule.GroupName));
  }
};

const alarms = async (aws: LocalAws, resources: Resources) => {
  const topic = physicalIdOf(resources, /AlarmsTopic[0-9A-F]{8}$/);
  const { MetricAlarms } = await aws.call<{
    MetricAlarms: { AlarmName: string; AlarmActions: string[]; TreatMissingData: string; AlarmDescription: string }[];
  }>('cloudwatch', 'describe-alarms');
  assert.equal(MetricAlarms.length, ids(resources, /Monitoring/).length);
  for (const { AlarmName, AlarmActions, TreatMissingData, AlarmDescription } of MetricAlarms) {
    assert.match(AlarmName, /^token-refresher [a-z-]+$/);
    assert.deepEqual(AlarmActions, [topic]);
    assert.match(TreatMissingData, /^(breaching|notBreaching|ignore)$/);
    assert.match(AlarmDescription, /https:\/\/.*runbook\.md#[\w-]+$/);
  }
};

const functions = (resources: Resources, deployment: RunnableDeployment, providers: readonly string[]) => {
  const names = ids(resources, /Function[0-9A-F]{8}$/);
  assert.equal(names.length, providers.length + 2);
  for (const name of names) {
    const configuration = deployment.functions.get(name);
    assert.equal(configuration?.Runtime, 'nodejs24.x');
    assert.match(configuration.Environment.Variables.TOKENS_TABLE ?? '', /StorageTokens/);
  }
};
