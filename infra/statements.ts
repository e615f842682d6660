import { Stack, Token, Validations } from 'aws-cdk-lib';
import { Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { limitShard } from '../lib/aws/limit-table.ts';
import { loginShard } from '../lib/aws/login-table.ts';
import { sessionShard } from '../lib/aws/session-table.ts';

/** Every statement that a role of ours gets is made here, so that each is as narrow as the next. */

type ItemAction = 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Query';

/** The partition keys that a statement is about: exactly these, or all that match these patterns. */
export type Keys = { readonly exactly: readonly string[] } | { readonly like: readonly string[] };

/** The shards of providers: `?` is one character, so that sessions and limits, under longer keys, are out of reach. */
export const shardsOf = (providers: readonly string[]): Keys => ({ like: providers.map(id => `${id}#?`) });

/** The refresh tokens of one provider. */
export const sessionsOf = (provider: string): Keys => ({ exactly: [sessionShard(provider)] });

/** What is known of one provider's logins. */
export const loginsOf = (provider: string): Keys => ({ exactly: [loginShard(provider)] });

/** The states of one provider's rate limits. */
export const limitsOf = (provider: string): Keys => ({ exactly: [limitShard(provider)] });

const leadingKeys = (keys: Keys) =>
  'exactly' in keys
    ? { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': keys.exactly } }
    : { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys.like } };

/** Access to some items of a table. `ForAllValues` holds of a request without keys too, hence `Null`. */
export const items = (tableArn: string, actions: readonly ItemAction[], keys: Keys): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.ALLOW,
    actions: actions.map(action => `dynamodb:${action}`),
    resources: [tableArn],
    conditions: { ...leadingKeys(keys), Null: { 'dynamodb:LeadingKeys': 'false' } },
  });

const viaService = (scope: IConstruct, service: 'dynamodb' | 'secretsmanager') => {
  const { region, account } = Stack.of(scope);
  return { 'kms:ViaService': `${service}.${region}.amazonaws.com`, 'kms:CallerAccount': account };
};

/** The key of the tables, by way of DynamoDB only. Who writes needs no more: DynamoDB wraps its own keys with a grant. */
export const tableKey = (scope: IConstruct, keyArn: string): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.ALLOW,
    actions: ['kms:Decrypt'],
    resources: [keyArn],
    conditions: { StringEquals: viaService(scope, 'dynamodb') },
  });

export const SECRET_PREFIX = 'token-refresher/';

const secretsOf = (scope: IConstruct, provider: string): string => {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:secretsmanager:${region}:${account}:secret:${SECRET_PREFIX}${provider}/*`;
};

/** Lets a role read the secrets of some providers, and with them the keys that they are encrypted with. */
export const allowSecrets = (role: IRole, providers: readonly string[], secretsKeyArns: readonly string[]): void => {
  const secrets = providers.map(provider => secretsOf(role, provider));
  role.addToPrincipalPolicy(
    new PolicyStatement({ effect: Effect.ALLOW, actions: ['secretsmanager:GetSecretValue'], resources: secrets }),
  );
  if (secretsKeyArns.length > 0) {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['kms:Decrypt'],
        resources: [...secretsKeyArns],
        conditions: {
          StringEquals: viaService(role, 'secretsmanager'),
          StringLike: { 'kms:EncryptionContext:SecretARN': secrets },
        },
      }),
    );
  }
  for (const provider of providers) {
    const { partition, region, account } = Stack.of(role);
    const place = [told(partition, 'Partition'), 'secretsmanager', told(region, 'Region'), told(account, 'AccountId')];
    const finding = `arn:${place.join(':')}:secret:${SECRET_PREFIX}${provider}/*`;
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${finding}]`,
      reason: `Connections of ${provider} come and go with secrets below this prefix; Secrets Manager adds six random characters to each ARN.`,
    });
  }
};

/** As a finding tells it: the name of what is known at deployment only. */
const told = (value: string, name: string): string => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);

/** Lets a role list secrets: the service knows no narrower resource. */
export const allowListSecrets = (role: IRole): void => {
  role.addToPrincipalPolicy(
    new PolicyStatement({ effect: Effect.ALLOW, actions: ['secretsmanager:ListSecrets'], resources: ['*'] }),
  );
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'secretsmanager:ListSecrets takes no resource; it tells names, no values.',
  });
};

/** A statement about one thing of ours, by its ARN. */
export const allow = (action: string, ...resources: readonly string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions: [action], resources: [...resources] });
