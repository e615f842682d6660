import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { environmentOf } from '../../functions/environment.ts';
import { tableKeys } from '../../lib/aws/keys.ts';
import { defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import { allShards } from '../../lib/core/shard.ts';
import { minutes, seconds } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import type { JsonObject, Resource } from '../iam/stacks.ts';
import { textOf } from '../kit/repository.ts';
import { constructPathOf, deployedResources, intrinsicText, ofType, type Resources } from './template.ts';

const { version, repository } = JSON.parse(textOf('package.json'));
const all = deployedResources();
const at = (path: string): Resource => {
  const found = Object.entries(all).find(([id]) => constructPathOf(all, id) === path);
  if (!found) throw new Error(`there is no ${path}`);
  return found[1];
};
const text = (value: unknown) => intrinsicText(all, value);

describe('state', () => {
  test.each(['tokens', 'connections'] as const)('the table %s', table => {
    const { partition, sort } = tableKeys[table];
    const resource = at(`Storage/${table === 'tokens' ? 'Tokens' : 'Connections'}`);
    expect(resource).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(resource.Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      KeySchema: [
        { AttributeName: partition, KeyType: 'HASH' },
        ...(sort ? [{ AttributeName: sort, KeyType: 'RANGE' }] : []),
      ],
    });
    const { KMSMasterKeyId } = resource.Properties.SSESpecification as JsonObject;
    expect(text(KMSMasterKeyId)).toBe('<Storage/Key.Arn>');
  });

  test('the key rotates and stays', () => {
    const key = at('Storage/Key');
    expect(key).toMatchObject({ DeletionPolicy: 'Retain', Properties: { EnableKeyRotation: true } });
  });

  // Another logical id means another, empty table: all tokens and refresh tokens would be lost.
  test('keeps its logical ids', () => {
    const stateful = ['AWS::DynamoDB::Table', 'AWS::KMS::Key', 'AWS::SQS::Queue', 'AWS::Events::EventBus'];
    const ids = stateful.flatMap(type => ofType(all, type).map(([id]) => id));
    expect(ids).toEqual([
      'TokenRefresherStorageTokensB93493F0',
      'TokenRefresherStorageConnectionsAA85ADAE',
      'TokenRefresherStorageKey305E5D22',
      'TokenRefresherDeadLetters7D39C9D4',
      'TokenRefresherEventsF4168A1A',
    ]);
  });

  test('is deleted with the stack if the settings say so', () => {
    const resources = deployedResources({ removalPolicy: RemovalPolicy.DESTROY });
    for (const [id, table] of ofType(resources, 'AWS::DynamoDB::Table')) {
      expect([constructPathOf(resources, id), table.DeletionPolicy]).toEqual([
        constructPathOf(resources, id),
        'Delete',
      ]);
      expect(table.Properties.DeletionProtectionEnabled).toBe(false);
    }
  });

  test('nothing else outlives the stack', () => {
    const kept = Object.entries(all).filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain');
    expect(kept.map(([id]) => constructPathOf(all, id)).toSorted()).toEqual([
      'Storage/Connections',
      'Storage/Key',
      'Storage/Tokens',
    ]);
  });
});

describe('schedules', () => {
  const schedules = ofType(all, 'AWS::Scheduler::Schedule');

  test('each has a dead-letter queue, a retry policy and no leeway', () => {
    expect(schedules).toHaveLength(providers.length + 1);
    for (const [id, { Properties, DependsOn }] of schedules) {
      const { DeadLetterConfig, RetryPolicy, RoleArn } = Properties.Target as Record<string, JsonObject>;
      expect([id, Properties.FlexibleTimeWindow]).toEqual([id, { Mode: 'OFF' }]);
      expect(text(DeadLetterConfig?.Arn)).toBe('<DeadLetters.Arn>');
      expect(RetryPolicy?.MaximumRetryAttempts).toBe(3);
      expect(RetryPolicy?.MaximumEventAgeInSeconds).toBeGreaterThanOrEqual(60);
      expect(text(RoleArn)).toBe(`<${constructPathOf(all, id)}Role.Arn>`);
      expect(
        DependsOn?.some(each => constructPathOf(all, each) === `${constructPathOf(all, id)}Role/DefaultPolicy`),
      ).toBe(true);
    }
  });

  test.each(providers)('$id at its polling interval, over all shards', provider => {
    const { id } = provider;
    const { Properties } = at(`Schedules/refresh-${id}`);
    const { Arn, Input } = Properties.Target as { Arn: JsonObject; Input: string };
    const every = tickOf(provider) / minutes(1);
    expect(Properties.ScheduleExpression).toBe(every === 1 ? 'rate(1 minute)' : `rate(${every} minutes)`);
    expect(text(Arn)).toBe(`<Refresh/${id}Function.Arn>`);
    expect(JSON.parse(Input)).toEqual({ shards: allShards });
  });

  test('the watch every minute', () => {
    expect(at('Schedules/watch').Properties.ScheduleExpression).toBe('rate(1 minute)');
  });

  test('several share the shards: each shard has one', () => {
    const resources = deployedResources({
      providers: { officernd: { schedules: 3, tick: Duration.minutes(2), refreshAt: 0.4 } },
    });
    const shared = ofType(resources, 'AWS::Scheduler::Schedule').filter(([id]) =>
      constructPathOf(resources, id).includes('officernd'),
    );
    const inputs = shared.map(
      ([, { Properties }]) => JSON.parse((Properties.Target as { Input: string }).Input).shards,
    );
    expect(shared).toHaveLength(3);
    expect(inputs.flat().toSorted()).toEqual(allShards);
    expect(shared.map(([, { Properties }]) => Properties.ScheduleExpression)).toEqual(Array(3).fill('rate(2 minutes)'));
    expect(ofType(resources, 'AWS::Lambda::Function')).toHaveLength(3);
  });
});

describe('functions', () => {
  const functions = ofType(all, 'AWS::Lambda::Function');

  test('all run on Node 24 and arm64, with their own log group and role and no VPC', () => {
    expect(functions).toHaveLength(providers.length + 2);
    for (const [id, { Properties }] of functions) {
      const path = constructPathOf(all, id).replace(/Function$/, '');
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        LoggingConfig: { LogFormat: 'JSON', SystemLogLevel: 'WARN' },
        Environment: { Variables: { MALLOC_ARENA_MAX: '1' } },
      });
      expect(text((Properties.LoggingConfig as JsonObject).LogGroup)).toBe(`<${path}Logs>`);
      expect(text(Properties.Role)).toBe(`<${path}Role.Arn>`);
      expect([id, Properties.VpcConfig]).toEqual([id, undefined]);
    }
  });

  test('a failed event is tried once more, then a dead letter', () => {
    const configs = ofType(all, 'AWS::Lambda::EventInvokeConfig');
    // All except the API, whose callers wait.
    expect(configs).toHaveLength(functions.length - 1);
    for (const [, { Properties }] of configs) {
      const { OnFailure } = Properties.DestinationConfig as { OnFailure: JsonObject };
      expect(Properties.MaximumRetryAttempts).toBe(1);
      expect(text(OnFailure.Destination)).toBe('<DeadLetters.Arn>');
    }
  });

  const environmentAt = (path: string) => {
    const { Variables } = at(path).Properties.Environment as { Variables: JsonObject };
    return Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, text(value)]));
  };

  test.each(providers)('refresh of $id has the environment it reads, and time for more than a lease', each => {
    const { id: provider } = each;
    const path = `Refresh/${provider}Function`;
    expect(environmentOf('refresh', environmentAt(path))).toEqual({
      TOKENS_TABLE: '<Storage/Tokens>',
      CONNECTIONS_TABLE: '<Storage/Connections>',
      EVENT_BUS: '<Events.Arn>',
      DEPLOYMENT: 'token-refresher',
      PROVIDER: provider,
      PACE: { refreshAt: defaultPolicy.refreshAt, tick: tickOf(each) },
    });
    expect(seconds(Number(at(path).Properties.Timeout))).toBeGreaterThanOrEqual(2 * defaultPolicy.lease);
  });

  test('refreshAt and tick reach the function, and the api that promises by them', () => {
    const resources = deployedResources({ providers: { ioffice: { refreshAt: 0.4, tick: Duration.minutes(2) } } });
    const [refresh] = ofType(resources, 'AWS::Lambda::Function').filter(([id]) =>
      constructPathOf(resources, id).startsWith('Refresh/'),
    );
    expect(refresh?.[1].Properties.Environment).toMatchObject({
      Variables: { PROVIDER: 'ioffice', PACE: JSON.stringify({ refreshAt: 0.4, tick: 120_000 }) },
    });
    const ofApi = ofType(resources, 'AWS::Lambda::Function').filter(([id]) =>
      constructPathOf(resources, id).startsWith('Api/'),
    );
    const promised = ofApi.map(([, { Properties }]) => {
      const { Variables } = Properties.Environment as { Variables: JsonObject };
      return JSON.parse(intrinsicText(resources, Variables.REFRESHERS));
    });
    const functionName = '<Refresh/iofficeFunction>';
    expect(promised).toEqual([{ ioffice: { functionName, refreshAt: 0.4, tick: 120_000 } }]);
  });

  test('the rules about addresses reach the function of their provider alone', () => {
    const options = { hosts: ['proxy.example.com', '*.example.net'], ownBaseUrl: false };
    const resources = deployedResources({ providers: { ioffice: options, petrosoft: {} } });
    const rules = ofType(resources, 'AWS::Lambda::Function').flatMap(([, { Properties }]) => {
      const { PROVIDER, HOSTS, OWN_BASE_URL } = (Properties.Environment as { Variables: JsonObject }).Variables;
      return PROVIDER === undefined ? [] : [[PROVIDER, HOSTS, OWN_BASE_URL]];
    });
    expect(rules.toSorted()).toEqual([
      ['ioffice', 'proxy.example.com,*.example.net', 'false'],
      ['petrosoft', undefined, undefined],
    ]);
  });

  test('watch and api have the environment they read', () => {
    expect(environmentOf('watch', environmentAt('Watch/WatchFunction'))).toEqual({
      TOKENS_TABLE: '<Storage/Tokens>',
      CONNECTIONS_TABLE: '<Storage/Connections>',
      EVENT_BUS: '<Events.Arn>',
      ALARM_TOPIC: '<Alarms/Topic>',
      DEPLOYMENT: 'token-refresher',
      PACES: Object.fromEntries(
        providers.map(each => [
          each.id,
          { refreshAt: defaultPolicy.refreshAt, tick: tickOf(each), lifetime: each.lifetime },
        ]),
      ),
      RUNBOOK: `${repository.url.replace(/^git\+|\.git$/g, '')}/blob/v${version}/docs/runbook.md`,
      CONNECTIONS_PER_SECRET: 200,
    });
    expect(environmentOf('api', environmentAt('Api/ApiFunction')).REFRESHERS).toEqual(
      Object.fromEntries(
        providers.map(each => [
          each.id,
          { functionName: `<Refresh/${each.id}Function>`, refreshAt: defaultPolicy.refreshAt, tick: tickOf(each) },
        ]),
      ),
    );
    expect(at('Api/ApiFunction').Properties.Timeout).toBe(29);
  });
});

describe('connectionsPerSecret', () => {
  test('reaches the watch, which rejects secrets with more', () => {
    const watch = ofType(deployedResources({ connectionsPerSecret: 2000 }), 'AWS::Lambda::Function').find(([id]) =>
      /WatchFunction/.test(id),
    );
    expect(watch?.[1].Properties.Environment).toMatchObject({ Variables: { CONNECTIONS_PER_SECRET: '2000' } });
  });

  test.each([0, 1.5, 2001])('must be a whole number from 1 to 2000, not %d', connectionsPerSecret => {
    const sentence = `"connectionsPerSecret" must be a whole number from 1 to 2000, got ${connectionsPerSecret}.`;
    expect(() => deployedResources({ connectionsPerSecret })).toThrow(sentence);
  });
});

describe('the HTTP API', () => {
  test('wants a signature of IAM on every route', () => {
    const routes = ofType(all, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties);
    expect(routes.map(({ RouteKey }) => RouteKey).toSorted()).toEqual([
      '$default',
      'GET /connections',
      'GET /tokens/{provider}/{name}',
      'GET /tokens/{provider}/{name}/{key}',
      'POST /tokens/{provider}/{name}',
      'POST /tokens/{provider}/{name}/{key}',
    ]);
    expect(new Set(routes.map(({ AuthorizationType }) => AuthorizationType))).toEqual(new Set(['AWS_IAM']));
  });

  test('is throttled and logged, without what could be a token', () => {
    const { DefaultRouteSettings, AccessLogSettings } = at('Api/Stage').Properties;
    expect(DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 });
    const { DestinationArn, Format } = AccessLogSettings as { DestinationArn: JsonObject; Format: string };
    expect(text(DestinationArn)).toBe('<Api/AccessLogs.Arn>');
    const logged: Record<string, string> = JSON.parse(Format);
    expect(logged).toMatchObject({ requestId: '$context.requestId', path: '$context.path', status: '$context.status' });
    expect(Object.values(logged).filter(each => /header|query|body|authorizer|responseOverride/i.test(each))).toEqual(
      [],
    );
    // Each request writes a line: keep it short.
    expect(Object.keys(logged).length).toBeLessThanOrEqual(8);
  });

  test('takes as many requests as it is set to, and reserves concurrency only if that is set', () => {
    const resources = deployedResources({ apiRequestsPerSecond: 7, apiReservedConcurrency: 20 });
    const [[, stage]] = ofType(resources, 'AWS::ApiGatewayV2::Stage') as [[string, Resource]];
    expect(stage.Properties.DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 7, ThrottlingBurstLimit: 14 });
    const reserved = (all: Resources) =>
      ofType(all, 'AWS::Lambda::Function')
        .filter(([, { Properties }]) => Properties.ReservedConcurrentExecutions !== undefined)
        .map(([id, { Properties }]) => [constructPathOf(all, id), Properties.ReservedConcurrentExecutions]);
    expect(reserved(resources)).toEqual([['Api/ApiFunction', 20]]);
    expect(reserved(all)).toEqual([]);
  });

  test.each([
    [{ apiRequestsPerSecond: 0 }, '"apiRequestsPerSecond" must be a whole number from 1 to 10000, got 0.'],
    [{ apiRequestsPerSecond: 1.5 }, '"apiRequestsPerSecond" must be a whole number from 1 to 10000, got 1.5.'],
    [{ apiReservedConcurrency: 0 }, '"apiReservedConcurrency" must be a whole number from 1 to 1000, got 0.'],
    [
      { apiReservedConcurrency: Number.NaN },
      '"apiReservedConcurrency" must be a whole number from 1 to 1000, got NaN.',
    ],
  ])('%j is refused in a sentence', (settings, sentence) => {
    expect(() => deployedResources(settings)).toThrow(sentence);
  });
});

test('there is a dashboard if the settings say so', () => {
  expect(ofType(all, 'AWS::CloudWatch::Dashboard')).toEqual([]);
  const resources = deployedResources({ name: 'staging', dashboard: true });
  const [[, dashboard]] = ofType(resources, 'AWS::CloudWatch::Dashboard') as [[string, Resource]];
  const body = intrinsicText(resources, dashboard.Properties.DashboardBody);
  const { widgets } = JSON.parse(body) as { widgets: { properties: { title?: string; metrics?: unknown[][] } }[] };
  const own = widgets
    .flatMap(({ properties }) => properties.metrics ?? [])
    .filter(([space]) => space === 'TokenRefresher');
  expect(new Set(own.map(([, , , name]) => name))).toEqual(new Set(['staging']));
  expect(widgets.map(({ properties }) => properties.title)).toContain('Connections by provider');
});

describe('logs and dead letters', () => {
  test('every log group forgets', () => {
    const groups = ofType(all, 'AWS::Logs::LogGroup');
    expect(groups).toHaveLength(providers.length + 3);
    for (const [id, { Properties }] of groups) expect([id, Properties.RetentionInDays]).toEqual([id, 30]);
    const week = deployedResources({ logRetention: 7 });
    for (const [, { Properties }] of ofType(week, 'AWS::Logs::LogGroup')) expect(Properties.RetentionInDays).toBe(7);
  });

  test('the queue is encrypted, and closed to plain HTTP', () => {
    expect(at('DeadLetters').Properties).toMatchObject({
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 1_209_600,
    });
    const { PolicyDocument } = at('DeadLetters/Policy').Properties as {
      PolicyDocument: { Statement: readonly JsonObject[] };
    };
    expect(PolicyDocument.Statement).toMatchObject([
      { Effect: 'Deny', Action: 'sqs:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ]);
  });
});
