import { CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import {
  type ITokenRefresher,
  SettingsError,
  TokenRefresher,
  type TokenRefresherProps,
} from '../../infra/token-refresher.ts';
import { metrics } from '../../lib/observe/metrics.ts';
import type { JsonObject } from '../iam/stacks.ts';
import { intrinsicText, newApp, ofType, resourcesOf } from './template.ts';

const made = (props: TokenRefresherProps = {}) => {
  const stack = new Stack(newApp(), 'Mine');
  const tokens = new TokenRefresher(stack, 'TokenRefresher', { providers: { officernd: {}, ioffice: {} }, ...props });
  return { stack, tokens };
};

const attributes = {
  name: 'staging',
  tokensTableArn: 'arn:aws:dynamodb:eu-north-1:123456789012:table/Tokens-1',
  encryptionKeyArn: 'arn:aws:kms:eu-north-1:123456789012:key/1-2',
  eventBusArn: 'arn:aws:events:eu-north-1:123456789012:event-bus/events-1',
  apiId: 'api1',
  apiUrl: 'https://api1.execute-api.eu-north-1.amazonaws.com',
  providers: ['officernd'],
};

describe('metrics', () => {
  const helpers: Readonly<Record<string, (tokens: ITokenRefresher) => unknown>> = {
    LowestLife: tokens => tokens.metricLowestLife(),
    LongestOverdue: tokens => tokens.metricLongestOverdue(),
    NeedsAttention: tokens => tokens.metricNeedsAttention(),
    LongestFailing: tokens => tokens.metricLongestFailing(),
    NextExpiry: tokens => tokens.metricNextExpiry(),
    DiscoveryProblems: tokens => tokens.metricDiscoveryProblems(),
    Failed: tokens => tokens.metricFailed(),
    Postponed: tokens => tokens.metricPostponed(),
    CommitFailures: tokens => tokens.metricCommitFailures(),
    Calls: tokens => tokens.metricCalls(),
  };

  test('each has a helper', () => {
    const named = Object.keys(helpers).toSorted();
    expect(named, 'infra/base.ts, and the list in this test').toEqual(Object.values(metrics).toSorted());
  });

  test.each(Object.entries(helpers))('%s is of the deployment', (metricName, helper) => {
    const { tokens } = made({ name: 'staging' });
    const dimensions = { service: 'staging' };
    expect(helper(tokens)).toMatchObject({ namespace: 'TokenRefresher', metricName, dimensions });
  });

  test('have a statistic that fits, and options', () => {
    const { tokens } = made();
    expect(
      [tokens.metricLowestLife(), tokens.metricFailed(), tokens.metricCalls()].map(each => each.statistic),
    ).toEqual(['Minimum', 'Average', 'Sum']);
    const options = { statistic: 'SampleCount', period: Duration.minutes(1) };
    expect(tokens.metricFailed(options)).toMatchObject({ statistic: 'SampleCount', period: Duration.minutes(1) });
  });
});

describe('events', () => {
  const rulesOf = (from: (stack: Stack) => ITokenRefresher, add: (tokens: ITokenRefresher, stack: Stack) => void) => {
    const stack = new Stack(newApp(), 'Mine');
    add(from(stack), stack);
    const resources = resourcesOf(stack);
    return ofType(resources, 'AWS::Events::Rule').map(([, { Properties }]) => ({
      bus: intrinsicText(resources, Properties.EventBusName),
      pattern: Properties.EventPattern,
      targets: [Properties.Targets ?? []].flat().length,
    }));
  };

  test('of this deployment reach a rule, and those of connections that need attention another', () => {
    const rules = rulesOf(
      stack => new TokenRefresher(stack, 'TokenRefresher', { providers: { officernd: {} } }),
      (tokens, stack) => {
        tokens.onEvent('All', { target: new SqsQueue(new Queue(stack, 'Queue')) });
        tokens.onEvent('One', { eventPattern: { resources: ['officernd/acme'] } });
        tokens.onEvent('Some', { types: ['failing', 'recovered'] });
        tokens.onNeedsAttention('Attention');
      },
    );
    const source = ['token-refresher'];
    expect(rules).toEqual([
      { bus: '<Events>', pattern: { source }, targets: 1 },
      { bus: '<Events>', pattern: { source, resources: ['officernd/acme'] }, targets: 0 },
      { bus: '<Events>', pattern: { source, 'detail-type': ['failing', 'recovered'] }, targets: 0 },
      { bus: '<Events>', pattern: { source, 'detail-type': ['needs attention'] }, targets: 0 },
    ]);
  });

  test('of one that is imported, too', () => {
    const rules = rulesOf(
      stack => TokenRefresher.fromTokenRefresherAttributes(stack, 'Tokens', attributes),
      tokens => tokens.onNeedsAttention('Attention'),
    );
    expect(rules).toMatchObject([{ bus: 'events-1' }]);
  });
});

describe('one that is described by its attributes', () => {
  const stack = new Stack(newApp(), 'Mine');
  const tokens = TokenRefresher.fromTokenRefresherAttributes(stack, 'Tokens', attributes);

  test('has them', () => {
    expect(tokens.deploymentName).toBe('staging');
    expect(tokens.environment()).toEqual({ TOKENS_TABLE: 'Tokens-1', TOKENS_API_URL: attributes.apiUrl });
    expect(tokens.encryptionKey.keyArn).toBe(attributes.encryptionKeyArn);
    expect(tokens.metricCalls().dimensions).toEqual({ service: 'staging' });
  });

  test('grants what is deployed', () => {
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    expect(tokens.grantRead(role, 'officernd/acme').success).toBe(true);
    expect(() => tokens.grantRead(role, 'ioffice/acme')).toThrow('"provider" must be one that is deployed (officernd)');
  });

  test('has the name of the first one by default', () => {
    const { name: _, ...others } = attributes;
    const first = TokenRefresher.fromTokenRefresherAttributes(stack, 'First', others);
    expect(first.deploymentName).toBe('token-refresher');
  });
});

test('its parts are accessible', () => {
  const { tokens, stack } = made();
  const at = (value: string) => intrinsicText(resourcesOf(stack), stack.resolve(value));
  expect([
    at(tokens.tokensTable.tableName),
    at(tokens.connectionsTable.tableName),
    at(tokens.encryptionKey.keyId),
    at(tokens.eventBus.eventBusName),
    at(tokens.alarmTopic.topicArn),
    at(tokens.deadLetterQueue.queueUrl),
    at(tokens.watchFunction.functionName),
    at(tokens.apiFunction.functionName),
    at(tokens.httpApi.apiId),
    ...Object.values(tokens.refreshFunctions).map(({ functionName }) => at(functionName)),
  ]).toEqual([
    '<Storage/Tokens>',
    '<Storage/Connections>',
    '<Storage/Key>',
    '<Events>',
    '<Alarms/Topic>',
    '<DeadLetters>',
    '<Watch/WatchFunction>',
    '<Api/ApiFunction>',
    '<Api/HttpApi>',
    '<Refresh/officerndFunction>',
    '<Refresh/iofficeFunction>',
  ]);
  expect(Object.keys(tokens.refreshFunctions)).toEqual(['officernd', 'ioffice']);
});

describe('a key of one’s own', () => {
  test('encrypts the tables and the topic; there is no other', () => {
    const stack = new Stack(newApp(), 'Mine');
    const encryptionKey = new Key(stack, 'OwnKey');
    new TokenRefresher(stack, 'TokenRefresher', { encryptionKey });
    const resources = resourcesOf(stack);
    expect(ofType(resources, 'AWS::KMS::Key')).toHaveLength(1);
    expect(ofType(resources, 'AWS::KMS::Alias')).toHaveLength(0);
    const keys = [
      ...ofType(resources, 'AWS::DynamoDB::Table').map(
        ([, each]) => (each.Properties.SSESpecification as JsonObject).KMSMasterKeyId,
      ),
      ...ofType(resources, 'AWS::SNS::Topic').map(([, each]) => each.Properties.KmsMasterKeyId),
    ];
    expect(keys.map(key => intrinsicText(resources, key))).toEqual(Array(3).fill('<Mine/OwnKey.Arn>'));
    const policies = ofType(resources, 'AWS::KMS::Key').map(([, each]) => JSON.stringify(each.Properties.KeyPolicy));
    expect(policies[0]).toContain('cloudwatch.amazonaws.com');
  });

  test('may be imported', () => {
    const { stack, tokens } = made();
    const key = Key.fromKeyArn(stack, 'Imported', attributes.encryptionKeyArn);
    const other = new TokenRefresher(stack, 'Second', { name: 'second', encryptionKey: key });
    expect(other.encryptionKey.keyArn).toBe(attributes.encryptionKeyArn);
    expect(tokens.encryptionKey.keyArn).not.toBe(attributes.encryptionKeyArn);
  });
});

describe('props', () => {
  const long = `https://example.com/${'r'.repeat(781)}`;
  test.each<[TokenRefresherProps, string]>([
    [{ alarmEmail: 'foo' }, '"alarmEmail" must be an e-mail address, got "foo".'],
    [{ alarmEmail: '' }, '"alarmEmail" must be an e-mail address, got "".'],
    [
      { runbookUrl: 'https://example.com/#top' },
      '"runbookUrl" must be an https URL of up to 800 characters without "#"',
    ],
    [{ runbookUrl: long }, '"runbookUrl" must be an https URL of up to 800 characters'],
    [{ name: 'default' }, '"name" must be up to 40'],
  ])('%j are refused: the error says what they must be', (props, sentence) => {
    expect(() => made(props)).toThrow(SettingsError);
    expect(() => made(props)).toThrow(sentence);
  });

  test('may be known only at deployment', () => {
    const stack = new Stack(newApp(), 'Mine');
    const { valueAsString } = new CfnParameter(stack, 'Email');
    new TokenRefresher(stack, 'TokenRefresher', { providers: { officernd: {} }, alarmEmail: valueAsString });
    const [[, subscription] = []] = ofType(resourcesOf(stack), 'AWS::SNS::Subscription');
    expect(subscription?.Properties.Endpoint).toEqual({ Ref: 'Email' });
  });

  test('give two in a stack two names', () => {
    const { stack } = made();
    const another = (id: string, name: string) => new TokenRefresher(stack, id, { providers: { officernd: {} }, name });
    another('Second', 'second');
    expect(() => another('Third', 'second')).toThrow(
      '"name" must be another one than that of the other token-refresher in this stack, got "second".',
    );
  });
});
