import type { AwsAccount } from './account.ts';
import { itemNeeds } from './items.ts';
import { keyUse, type Need, type RequestContext } from './needs.ts';
import { arnIn, asTexts, type JsonObject, lastOf } from './stacks.ts';

/** One call as AWS receives it. */
export interface Request {
  /** The label of a role, or a service that acts as itself: `cloudwatch.amazonaws.com`. */
  readonly as: string;
  /** IAM's name of the operation: `dynamodb:GetItem`; of the HTTP API: `execute-api:GET`. */
  readonly does: string;
  readonly input: JsonObject;
  /** False: over plain HTTP. */
  readonly secure?: boolean;
  /** True: Lambda makes the call with the role of a function, outside of the function's code. */
  readonly byLambda?: boolean;
  /** On whose behalf a service acts. */
  readonly source?: { readonly account: string; readonly arn?: string };
  /** The service that uses a key, and the context of the ciphertext. */
  readonly via?: string;
  readonly encryptionContext?: Readonly<Record<string, string>>;
}

/** Everything that a call needs, including the keys that services use with the permissions of their caller. */
export const needsOf = async (request: Request, account: AwsAccount): Promise<readonly Need[]> => {
  const [service = '', operation = ''] = request.does.split(':');
  const needs = await translations[service]?.(request, account, operation);
  if (!needs) throw new Error(`how IAM sees ${request.does} is not known here`);
  return needs.map(need => ({ ...need, context: { ...common(request, account, need), ...need.context } }));
};

/** The context of every call. */
const common = (
  { as, secure = true, byLambda = false, source }: Request,
  account: AwsAccount,
  { action }: Need,
): RequestContext => {
  const role = account.roles.get(as);
  const fn = [...account.functions.values()].find(each => each.role === as);
  return {
    'aws:SecureTransport': String(secure),
    'aws:RequestedRegion': account.place.region,
    ...(role && {
      'aws:PrincipalArn': role.arn,
      'aws:PrincipalAccount': account.place.account,
      'aws:PrincipalType': 'AssumedRole',
      'aws:PrincipalIsAWSService': 'false',
    }),
    // A call that a service makes in between does not carry it.
    ...(role &&
      fn &&
      !byLambda &&
      !action.startsWith('kms:') && { 'lambda:SourceFunctionArn': functionArn(account, fn.name) }),
    ...(source && {
      'aws:SourceAccount': source.account,
      ...(source.arn !== undefined && { 'aws:SourceArn': source.arn }),
      'aws:PrincipalIsAWSService': 'true',
      'aws:PrincipalServiceName': as,
    }),
  };
};

const functionArn = ({ place }: AwsAccount, name: string): string => arnIn(place, 'lambda', `function:${name}`);

const translations: Readonly<
  Record<
    string,
    (request: Request, account: AwsAccount, operation: string) => readonly Need[] | Promise<readonly Need[]>
  >
> = {
  dynamodb: itemNeeds,

  secretsmanager: async ({ input }, account, operation) => {
    const action = `secretsmanager:${operation}`;
    if (operation === 'ListSecrets') return [{ action, resource: '*', context: {} }];
    const { arn, key } = await account.secret(String(input.SecretId));
    const named = { action, resource: arn, context: { 'secretsmanager:SecretId': arn } };
    if (operation !== 'GetSecretValue') return [named];
    const stage = { 'secretsmanager:VersionStage': String(input.VersionStage ?? 'AWSCURRENT') };
    const read = { ...named, context: { ...named.context, ...stage } };
    // The service binds the value to the secret and its version; no policy uses the version's id.
    const bound = { SecretARN: arn };
    return key === undefined ? [read] : [read, keyUse(account, { key, via: 'secretsmanager', bound })];
  },

  kms: ({ input, via, encryptionContext = {} }, account, operation) => [
    keyUse(account, {
      action: `kms:${operation}`,
      key: String(input.KeyId),
      ...(via !== undefined && { via }),
      bound: encryptionContext,
    }),
  ],

  ec2: (_, { place }, operation) => {
    const resource = operation.startsWith('Describe') ? '*' : arnIn(place, 'ec2', 'network-interface/eni-1');
    return [{ action: `ec2:${operation}`, resource, context: {} }];
  },

  lambda: ({ input }, account, operation) => {
    const action = operation === 'Invoke' ? 'lambda:InvokeFunction' : `lambda:${operation}`;
    return [{ action, resource: functionArn(account, String(input.FunctionName)), context: {} }];
  },

  events: ({ input }, { place }, operation) => {
    const entries = input.Entries as readonly JsonObject[];
    return entries.map(({ EventBusName = 'default', Source, DetailType }) => ({
      action: `events:${operation}`,
      resource: arnIn(place, 'events', `event-bus/${lastOf(String(EventBusName), '/')}`),
      context:
        operation === 'PutEvents'
          ? {
              'events:source': asTexts(Source),
              'events:detail-type': asTexts(DetailType),
              'events:eventBusInvocation': 'false',
            }
          : {},
    }));
  },

  sqs: ({ input }, { place }, operation) => [
    { action: `sqs:${operation}`, resource: arnIn(place, 'sqs', lastOf(String(input.QueueUrl), '/')), context: {} },
  ],

  /** The topic is encrypted: a role that publishes also needs its key; a service has it by the key's policy. */
  sns: ({ as, input }, account, operation) => {
    const resource = String(input.TopicArn);
    const publish = { action: `sns:${operation}`, resource, context: {} };
    const key = account.topicKeys.get(resource);
    if (operation !== 'Publish' || key === undefined || as.endsWith('.amazonaws.com')) return [publish];
    const uses = ['kms:Decrypt', 'kms:GenerateDataKey'].map(action =>
      keyUse(account, { action, key, via: 'sns', bound: { 'aws:sns:topicArn': resource } }),
    );
    return [publish, ...uses];
  },

  /** The role is the resource here, and its trust policy decides. */
  sts: ({ input }, _, operation) => [{ action: `sts:${operation}`, resource: String(input.RoleArn), context: {} }],

  /** Lambda writes a function's log with the function's role. */
  logs: ({ input }, { place }, operation) => [
    {
      action: `logs:${operation}`,
      resource: arnIn(place, 'logs', `log-group:${input.logGroupName}:log-stream:${input.logStreamName}`),
      context: {},
    },
  ],

  'execute-api': ({ input }, { place }, method) => [
    {
      action: 'execute-api:Invoke',
      resource: arnIn(place, 'execute-api', `${input.apiId}/$default/${method}${input.path}`),
      context: {},
    },
  ],
};
