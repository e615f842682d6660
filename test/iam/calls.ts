import type { AwsAccount } from './account.ts';
import type { Evaluator } from './evaluate.ts';
import type { Request } from './requests.ts';
import { arnIn } from './stacks.ts';

/** A call in short form: caller, operation, resource. */
export interface Call {
  /** The label of a role, or a service that acts as itself. */
  readonly as: string;
  /** `dynamodb:GetItem`; of the HTTP API `execute-api:GET`. */
  readonly does: string;
  /** A path of constructs, or a name if there is none: a table, a secret, a queue; of the HTTP API the path. */
  readonly on: string;
  /** Partition keys. */
  readonly keys?: readonly string[];
  /** The service that uses a key. */
  readonly via?: string | undefined;
  /** The secret that a key is used for. */
  readonly secret?: string;
  readonly secure?: boolean;
  /** On whose behalf a service acts: an account, or the ARN of a thing in this one. */
  readonly from?: string;
}

/** The key that some secrets are encrypted with, in `on`. */
export const SECRETS_KEY = 'the key of secrets';

const named = (account: AwsAccount, path: string): string => {
  try {
    return account.physicalAt(path);
  } catch {
    return path;
  }
};

const item = (account: AwsAccount, table: string, key: string): object => ({
  [account.tables.get(table)?.partition ?? '']: { S: key },
});

const inputs: Readonly<Record<string, (call: Call, account: AwsAccount, secretsKey: string) => object>> = {
  dynamodb: ({ does, on, keys = [] }, account) => {
    const table = named(account, `Storage/${on}`);
    const [key = ''] = keys;
    const { partition = '' } = account.tables.get(table) ?? {};
    const TableName = table;
    switch (does) {
      case 'dynamodb:Scan':
        return { TableName };
      case 'dynamodb:Query':
        return {
          TableName,
          KeyConditionExpression: '#key = :key',
          ExpressionAttributeNames: { '#key': partition },
          ExpressionAttributeValues: { ':key': { S: key } },
        };
      case 'dynamodb:BatchGetItem':
        return { RequestItems: { [table]: { Keys: keys.map(each => item(account, table, each)) } } };
      case 'dynamodb:PutItem':
        return { TableName, Item: item(account, table, key) };
      default:
        return { TableName, Key: item(account, table, key) };
    }
  },
  secretsmanager: ({ on }) => ({ SecretId: on }),
  kms: ({ on }, account, secretsKey) => ({
    KeyId: on === SECRETS_KEY ? secretsKey : arnIn(account.place, 'kms', `key/${named(account, on)}`),
  }),
  lambda: ({ on }, account) => ({ FunctionName: named(account, on) }),
  events: ({ on }, account) => ({
    Entries: [{ EventBusName: named(account, on), Source: 'token-refresher', DetailType: 'recovered', Detail: '{}' }],
  }),
  sqs: ({ on }, account) => ({ QueueUrl: named(account, on), MessageBody: '{}' }),
  sns: ({ on }, account) => {
    const topic = named(account, on);
    return { TopicArn: topic.startsWith('arn:') ? topic : arnIn(account.place, 'sns', topic) };
  },
  sts: ({ on }, account) => ({ RoleArn: account.role(on).arn }),
  logs: ({ on }, account) => ({ logGroupName: named(account, on), logStreamName: 'stream' }),
  'execute-api': ({ on }, account) => ({ apiId: account.physicalAt('Api/HttpApi'), path: on }),
};

/** The call as it arrives at AWS. */
export const requestOf = async (call: Call, account: AwsAccount, secretsKey: string): Promise<Request> => {
  const { as, does, via, secret, secure, from } = call;
  const input = inputs[does.split(':')[0] ?? '']?.(call, account, secretsKey);
  if (!input) throw new Error(`how to do ${does} is not known here`);
  const arn = from === undefined || /^\d{12}$/.test(from) ? undefined : from;
  return {
    as,
    does,
    input: { ...input },
    ...(secure !== undefined && { secure }),
    ...(via !== undefined && { via }),
    ...(secret !== undefined && { encryptionContext: { SecretARN: (await account.secret(secret)).arn } }),
    ...(from !== undefined && {
      source: { account: arn === undefined ? from : account.place.account, ...(arn !== undefined && { arn }) },
    }),
  };
};

/** The ways to read the path of a request: as sent, decoded, and without its dots. */
export const readingsOf = (path: string): readonly string[] => {
  const decoded = decodeURIComponent(path);
  const { pathname } = new URL(`https://host${decoded}`);
  return [...new Set([path, decoded, pathname])];
};

/** Whether IAM allows a call, with every reading of its path. */
export const letsThrough = async (evaluator: Evaluator, call: Call, secretsKey: string): Promise<boolean> => {
  const readings = call.does.startsWith('execute-api:') ? readingsOf(call.on) : [call.on];
  const answers = readings.map(async on =>
    evaluator.allows(await requestOf({ ...call, on }, evaluator.account, secretsKey)),
  );
  return (await Promise.all(answers)).some(allowed => allowed);
};
