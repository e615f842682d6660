import { describe, expect, test } from 'vitest';
import { findProvider, providerIds } from '../../lib/providers/index.ts';
import { allowedTo, statementsOf, tooWide } from './policies.ts';
import { deployed, type Json, ofType, pathOf, type Resources, textOf } from './template.ts';

const all = deployed();
const forRoles = statementsOf(all).filter(({ kind }) => kind === 'role');

/** The template with one statement in place of another, both as they are in it. */
const withStatement = (index: number, change: (statement: Json) => Json): Resources => {
  const copy: Resources = structuredClone(all);
  const held = statementsOf(copy).filter(({ kind }) => kind === 'role')[index];
  if (!held) throw new Error(`there is no statement ${index}`);
  const changed = change(held.statement);
  const statement = held.statement as Record<string, unknown>;
  for (const key of Object.keys(statement)) delete statement[key];
  Object.assign(statement, changed);
  return copy;
};

const named = forRoles.map(({ at, statement }, index) => [`${at}: ${statement.Action}`, index, statement] as const);

describe('no statement is wider than it has to be', () => {
  test('in what is deployed', () => {
    expect(forRoles.length).toBeGreaterThan(50);
    expect(tooWide(all)).toEqual([]);
  });

  test.each(named)('and it is noticed if %s is', (_, index, statement) => {
    const [service] = String([statement.Action].flat()[0]).split(':');
    const wider: Record<string, Json> = {
      'any action': { ...statement, Action: '*' },
      'any of the service': { ...statement, Action: [`${service}:*`] },
      ...(statement.Resource !== '*' && { 'any resource': { ...statement, Resource: '*' } }),
      ...('Condition' in statement && { 'any condition': { ...statement, Condition: {} } }),
    };
    const unnoticed = Object.keys(wider).filter(
      name => tooWide(withStatement(index, () => wider[name] ?? {})).length === 0,
    );
    expect(unnoticed).toEqual([]);
  });

  test('and it is noticed if a table is open to items of any key', () => {
    const open = named.filter(([, , { Action }]) => String([Action].flat()[0]).startsWith('dynamodb:'));
    for (const [name, index] of open) {
      const anyKey = {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['*'] },
        Null: { 'dynamodb:LeadingKeys': 'false' },
      };
      expect([name, tooWide(withStatement(index, each => ({ ...each, Condition: anyKey }))).length]).toEqual([name, 1]);
    }
    expect(open.length).toBeGreaterThan(10);
  });

  test('and none comes by a managed policy or inline', () => {
    for (const [id, { Properties }] of ofType(all, 'AWS::IAM::Role')) {
      expect([id, Properties.ManagedPolicyArns, Properties.Policies]).toEqual([id, undefined, undefined]);
    }
  });

  test('and roles are for the services that use them, schedules for those of this group', () => {
    for (const [id, { Properties }] of ofType(all, 'AWS::IAM::Role')) {
      const { Statement } = Properties.AssumeRolePolicyDocument as { Statement: readonly [Json] };
      const [{ Principal, Condition }] = Statement;
      const { Service } = Principal as Json;
      expect(Statement).toHaveLength(1);
      if (!pathOf(all, id).startsWith('Schedules/')) {
        expect([id, Service]).toEqual([id, 'lambda.amazonaws.com']);
        continue;
      }
      const { StringEquals } = Condition as { StringEquals: Json };
      expect([id, Service]).toEqual([id, 'scheduler.amazonaws.com']);
      expect(textOf(all, StringEquals['aws:SourceAccount'])).toBe('<AWS::AccountId>');
      expect(textOf(all, StringEquals['aws:SourceArn'])).toBe('<Schedules/Group.Arn>');
    }
  });
});

const secrets = (provider: string) =>
  `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:token-refresher/${provider}/*`;
const key = (use: 'read' | 'write') =>
  [
    'Decrypt',
    'DescribeKey',
    ...(use === 'write' ? ['Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo'] : []),
  ].map(action => `kms:${action} <Storage/Key.Arn>`);
const logsAndLetters = (fn: string) => [
  `logs:CreateLogStream <${fn}Logs.Arn>`,
  `logs:PutLogEvents <${fn}Logs.Arn>`,
  'sqs:SendMessage <DeadLetters.Arn>',
];
const items = (table: string, actions: readonly string[], keys: string) =>
  actions.map(action => `dynamodb:${action} <Storage/${table}.Arn> ${keys}`);
const keysOf = (rest: '#?' | '/*') => providerIds.map(provider => `${provider}${rest}`).join(' ');

describe('every role may do what its function sends, and nothing else', () => {
  test.each(providerIds)('refresh of %s', provider => {
    const budgeted = findProvider(provider)?.rateLimit !== undefined;
    expect(allowedTo(all, `Refresh/${provider}Role`)).toEqual(
      [
        ...logsAndLetters(`Refresh/${provider}`),
        ...items('Tokens', ['GetItem', 'PutItem', 'DeleteItem'], `${provider}/*`),
        ...items('Connections', ['Query', 'GetItem', 'UpdateItem'], `${provider}#?`),
        ...items('Connections', ['GetItem', 'PutItem', 'DeleteItem'], `${provider}#sessions`),
        ...(budgeted ? items('Connections', ['PutItem'], `${provider}#limits`) : []),
        ...key('write'),
        `secretsmanager:GetSecretValue ${secrets(provider)}`,
        'events:PutEvents <Events.Arn>',
      ].toSorted(),
    );
  });

  test('discover', () => {
    expect(allowedTo(all, 'Discovery/DiscoverRole')).toEqual(
      [
        ...logsAndLetters('Discovery/Discover'),
        ...items('Connections', ['Query', 'PutItem', 'UpdateItem', 'DeleteItem'], keysOf('#?')),
        ...items('Tokens', ['DeleteItem'], keysOf('/*')),
        ...key('write'),
        'secretsmanager:ListSecrets *',
        ...providerIds.map(provider => `secretsmanager:GetSecretValue ${secrets(provider)}`),
      ].toSorted(),
    );
  });

  test('api', () => {
    expect(allowedTo(all, 'Api/ApiRole')).toEqual(
      [
        ...logsAndLetters('Api/Api'),
        ...items('Tokens', ['GetItem'], keysOf('/*')),
        ...items('Connections', ['GetItem', 'Query'], keysOf('#?')),
        ...key('read'),
        ...providerIds.map(provider => `lambda:InvokeFunction <Refresh/${provider}Function.Arn>`),
      ].toSorted(),
    );
  });

  test.each(providerIds)('the schedule of %s', provider => {
    expect(allowedTo(all, `Schedules/refresh-${provider}Role`)).toEqual([
      `lambda:InvokeFunction <Refresh/${provider}Function.Arn>`,
      'sqs:SendMessage <DeadLetters.Arn>',
    ]);
  });

  test('keys of secrets are for the secrets of the provider only', () => {
    const arn = 'arn:aws:kms:eu-north-1:123456789012:key/1';
    const resources = deployed({ secretsKeyArns: [arn] });
    expect(tooWide(resources)).toEqual([]);
    const withKey = statementsOf(resources).filter(({ statement }) => statement.Resource === arn);
    expect(withKey.map(({ at }) => at).toSorted()).toEqual(
      ['Discovery/DiscoverRole', ...providerIds.map(id => `Refresh/${id}Role`)]
        .map(role => `${role}/DefaultPolicy`)
        .toSorted(),
    );
    for (const { at, statement } of withKey.filter(({ at }) => at.startsWith('Refresh/'))) {
      const { StringLike } = statement.Condition as { StringLike: Json };
      const provider = /Refresh\/(.*)Role/.exec(at)?.[1] ?? '';
      expect(statement.Action).toBe('kms:Decrypt');
      expect([StringLike['kms:EncryptionContext:SecretARN']].flat().map(each => textOf(resources, each))).toEqual([
        secrets(provider),
      ]);
    }
  });
});
