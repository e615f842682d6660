import { Stack, Token, Validations } from 'aws-cdk-lib';
import { Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { limitShard, loginShard, sessionShard } from '../lib/aws/keys.ts';

/** All IAM statements are made here, to keep each of them narrow. */

type ItemAction = 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Query';

/** The partition keys of a statement: exactly these, or all that match these patterns. */
export type Keys = { readonly exactly: readonly string[] } | { readonly like: readonly string[] };

/** The shards of providers. `?` matches one character: sessions and limits have longer keys and do not match. */
export const shardsOf = (providers: readonly string[]): Keys => ({ like: providers.map(id => `${id}#?`) });

/** The refresh tokens of one provider. */
export const sessionsOf = (provider: string): Keys => ({ exactly: [sessionShard(provider)] });

/** The login states of one provider. */
export const loginsOf = (provider: string): Keys => ({ exactly: [loginShard(provider)] });

/** The states of one provider's rate limits. */
export const limitsOf = (provider: string): Keys => ({ exactly: [limitShard(provider)] });

const leadingKeys = (keys: Keys) =>
  'exactly' in keys
    ? { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': keys.exactly } }
    : { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys.like } };

/** Access to some items of a table. `ForAllValues` also holds for a request without keys, hence `Null`. */
export const items = (tableArn: string, actions: readonly ItemAction[], keys: Keys): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.ALLOW,
    actions: actions.map(action => `dynamodb:${action}`),
    resources: [tableArn],
    conditions: { ...leadingKeys(keys), Null: { 'dynamodb:LeadingKeys': 'false' } },
  });

const viaService = (scope: IConstruct, service: 'dynamodb' | 'secretsmanager' | 'sns') => {
  const { region, account } = Stack.of(scope);
  return { 'kms:ViaService': `${service}.${region}.amazonaws.com`, 'kms:CallerAccount': account };
};

/** The key of the tables, through DynamoDB only. Writers need no more: DynamoDB wraps its own keys with a grant. */
export const tableKey = (scope: IConstruct, keyArn: string): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.ALLOW,
    actions: ['kms:Decrypt'],
    resources: [keyArn],
    conditions: { StringEquals: viaService(scope, 'dynamodb') },
  });

/** The key of the alarm topic, through SNS only. */
export const snsKey = (scope: IConstruct, keyArn: string): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.ALLOW,
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: [keyArn],
    conditions: { StringEquals: viaService(scope, 'sns') },
  });

/** The secrets that a role may read: those of some providers, and the keys that encrypt them. */
export interface SecretsOf {
  /** The prefix of the deployment's secret names; ends with a slash. */
  readonly prefix: string;
  readonly providers: readonly string[];
  readonly keyArns: readonly string[];
}

const secretsOf = (scope: IConstruct, prefix: string, provider: string): string => {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:secretsmanager:${region}:${account}:secret:${prefix}${provider}/*`;
};

/** Lets a role read these secrets. */
export const allowSecrets = (role: IRole, { prefix, providers, keyArns }: SecretsOf): void => {
  const secrets = providers.map(provider => secretsOf(role, prefix, provider));
  role.addToPrincipalPolicy(
    new PolicyStatement({ effect: Effect.ALLOW, actions: ['secretsmanager:GetSecretValue'], resources: secrets }),
  );
  if (keyArns.length > 0) {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['kms:Decrypt'],
        resources: [...keyArns],
        conditions: {
          StringEquals: viaService(role, 'secretsmanager'),
          StringLike: { 'kms:EncryptionContext:SecretARN': secrets },
        },
      }),
    );
  }
  for (const provider of providers) {
    const { partition, region, account } = Stack.of(role);
    const place = [
      shownAs(partition, 'Partition'),
      'secretsmanager',
      shownAs(region, 'Region'),
      shownAs(account, 'AccountId'),
    ];
    const finding = `arn:${place.join(':')}:secret:${prefix}${provider}/*`;
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${finding}]`,
      reason: `Connections of ${provider} come and go with secrets below this prefix; Secrets Manager adds six random characters to each ARN.`,
    });
  }
};

/** A value as cdk-nag writes it in findings: a placeholder if it is only known at deployment. */
const shownAs = (value: string, name: string): string => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);

/** Lets a role list secrets: Secrets Manager allows no narrower resource. */
export const allowListSecrets = (role: IRole): void => {
  role.addToPrincipalPolicy(
    new PolicyStatement({ effect: Effect.ALLOW, actions: ['secretsmanager:ListSecrets'], resources: ['*'] }),
  );
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'secretsmanager:ListSecrets takes no resource; it returns names, no values.',
  });
};

/** A statement about one resource by its ARN. */
export const allow = (action: string, ...resources: readonly string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions: [action], resources: [...resources] });
