import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import { type ITokenRefresher, TokenRefresher } from '../../infra/token-refresher.ts';
import type { JsonObject } from '../iam/stacks.ts';
import { statementsOf } from './policies.ts';
import { intrinsicText, newApp, resourcesOf } from './template.ts';

/** Everything that a consumer's role gets from grants, as text. */
const granted = (grant: (tokens: ITokenRefresher, role: Role) => void, imported = false) => {
  const stack = new Stack(newApp(), 'Mine');
  const tokens: ITokenRefresher = imported
    ? TokenRefresher.fromStack(stack, 'TokenRefresher')
    : new TokenRefresher(stack, 'TokenRefresher', { providers: { officernd: {}, ioffice: {} } });
  const role = new Role(stack, 'Consumer', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  grant(tokens, role);
  const resources = resourcesOf(stack);
  const statements = statementsOf(resources)
    .filter(({ at }) => at.includes('Consumer'))
    .map(({ statement }) => statement);
  const texts = (value: unknown) => [value].flat().map(each => intrinsicText(resources, each));
  const readable = statements.map((each): JsonObject => ({ ...each, Resource: texts(each.Resource) }));
  return { statements: readable, tokens, stack };
};

const viaDynamodb = (resource: string): JsonObject => ({
  Effect: 'Allow',
  Action: 'kms:Decrypt',
  Resource: [resource],
  Condition: {
    StringEquals: {
      'kms:ViaService': { 'Fn::Join': ['', ['dynamodb.', { Ref: 'AWS::Region' }, '.amazonaws.com']] },
      'kms:CallerAccount': { Ref: 'AWS::AccountId' },
    },
  },
});
/** The table's name in its ARN. */
const nameIn = (arn: unknown) => ({
  'Fn::Select': [1, { 'Fn::Split': ['/', { 'Fn::Select': [5, { 'Fn::Split': [':', arn] }] }] }],
});
const routes = (api: string, path: string) => [
  `arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:${api}/*T/tokens/${path}`,
];

describe('a consumer gets', () => {
  test('one connection', () => {
    const { statements } = granted((tokens, role) => tokens.grantRead(role, 'officernd/acme'));
    expect(statements).toEqual([
      {
        Effect: 'Allow',
        Action: 'dynamodb:GetItem',
        Resource: ['<Storage/Tokens.Arn>'],
        Condition: {
          'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['officernd/acme'] },
          Null: { 'dynamodb:LeadingKeys': 'false' },
        },
      },
      viaDynamodb('<Storage/Key.Arn>'),
    ]);
  });

  test('all connections of one secret', () => {
    const { statements } = granted((tokens, role) => {
      tokens.grantRead(role, 'officernd/acme/*');
      tokens.grantInvokeApi(role, 'officernd/acme/*');
    });
    expect(statements[0]?.Condition).toMatchObject({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['officernd/acme/*'] },
    });
    expect(statements[2]?.Resource).toEqual(routes('<Api/HttpApi>', 'officernd/acme/*'));
  });

  test('a provider', () => {
    const { statements } = granted((tokens, role) => tokens.grantReadProvider(role, 'officernd'));
    expect(statements[0]?.Condition).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['officernd/*'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    });
    expect(statements).toHaveLength(2);
  });

  test('one connection’s routes', () => {
    const { statements } = granted((tokens, role) => tokens.grantInvokeApi(role, 'officernd/acme'));
    const Resource = routes('<Api/HttpApi>', 'officernd/acme');
    expect(statements).toEqual([{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource }]);
  });

  test('every connection’s routes, but not the list of them', () => {
    const { statements } = granted((tokens, role) => tokens.grantInvokeApi(role));
    expect(statements).toEqual([
      { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: routes('<Api/HttpApi>', '*') },
    ]);
  });

  test('the list of connections, and no token', () => {
    const { statements } = granted((tokens, role) => {
      tokens.grantInvokeApi(role, { listConnections: true });
      tokens.grantInvokeApi(role, { listConnections: true });
    });
    const arn =
      'arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<Api/HttpApi>/$default/GET/connections';
    expect(statements).toEqual([{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: [arn] }]);
  });

  test('the same of one that another stack has deployed', () => {
    const { statements } = granted((tokens, role) => {
      tokens.grantRead(role, 'officernd/acme');
      tokens.grantInvokeApi(role, 'officernd/acme');
    }, true);
    expect(statements.map(({ Resource }) => Resource)).toEqual([
      ['<import token-refresher:tokensTableArn>'],
      ['<import token-refresher:encryptionKeyArn>'],
      routes('<import token-refresher:apiId>', 'officernd/acme'),
    ]);
  });

  test('the variables that it needs', () => {
    const { tokens, stack } = granted(() => {}, true);
    expect(stack.resolve(tokens.environment())).toEqual({
      TOKENS_TABLE: nameIn({ 'Fn::ImportValue': 'token-refresher:tokensTableArn' }),
      TOKENS_API_URL: { 'Fn::ImportValue': 'token-refresher:apiUrl' },
    });
  });

  test('never the connections', () => {
    const { statements } = granted((tokens, role) => {
      tokens.grantRead(role, 'officernd/acme');
      tokens.grantReadProvider(role, 'ioffice');
      tokens.grantInvokeApi(role);
    });
    expect(JSON.stringify(statements)).not.toMatch(/Storage\/Connections|dynamodb:(?!GetItem|LeadingKeys)/);
  });
});

test.each([
  [
    'officernd',
    '"connection" must be "<provider>/<name>", "<provider>/<name>/<key>" or "<provider>/<name>/*", got "officernd".',
  ],
  ['officernd/*', 'got "officernd/*"'],
  ['officernd/acme/a/*', 'got "officernd/acme/a/*"'],
  ['officernd/ac*', 'got "officernd/ac*"'],
  ['petrosoft/acme', '"provider" must be one that is deployed (officernd, ioffice), got "petrosoft".'],
])('a grant of %s is refused: the error says what it must be', (connection, sentence) => {
  expect(() => granted((tokens, role) => tokens.grantRead(role, connection))).toThrow(sentence);
  expect(() => granted((tokens, role) => tokens.grantInvokeApi(role, connection))).toThrow(sentence);
});
