import type { Account } from './account.ts';
import { type Context, keyUse, type Need } from './needs.ts';
import type { Request } from './requests.ts';
import { isRecord, type Json, textsOf } from './stacks.ts';

interface Touched {
  readonly table: string;
  /** Values of the partition key; none if the request does not name any. */
  readonly keys: readonly string[];
  readonly context: Context;
}

/** The input of DynamoDB's IAM check: the items by their partition keys, and the table's key. */
export const itemNeeds = ({ input }: Request, account: Account, operation: string): readonly Need[] =>
  touched(operation, input, account).flatMap(({ table, keys, context }) => {
    const known = account.tables.get(table);
    if (!known) throw new Error(`there is no table ${table}`);
    const need = {
      action: `dynamodb:${operation}`,
      resource: known.arn,
      context: { ...(keys.length > 0 && { 'dynamodb:LeadingKeys': [...new Set(keys)] }), ...context },
    };
    const bound = {
      'aws:dynamodb:tableName': table,
      'aws:dynamodb:subscriberId': account.place.account,
    };
    return [need, keyUse(account, { key: known.key, via: 'dynamodb', bound })];
  });

const touched = (operation: string, input: Json, account: Account): readonly Touched[] => {
  const table = tableName(input.TableName);
  const partition = account.tables.get(table)?.partition ?? '';
  const one = (keys: readonly string[], ...context: readonly Context[]) => [
    { table, keys, context: Object.assign({}, ...context) as Context },
  ];
  const returns = { 'dynamodb:ReturnValues': String(input.ReturnValues ?? 'NONE') };
  switch (operation) {
    case 'GetItem':
      return one([keyIn(input.Key, partition)], attributes(input), select(input));
    case 'UpdateItem':
    case 'DeleteItem':
      return one([keyIn(input.Key, partition)], attributes(input), returns);
    case 'PutItem':
      return one([keyIn(input.Item, partition)], attributes(input), returns);
    case 'Query':
      return one([queriedKey(input, partition)], attributes(input), select(input));
    case 'Scan':
      return one([], attributes(input), select(input));
    case 'BatchGetItem':
      return Object.entries(recordOf(input.RequestItems)).map(([name, asked]) => ({
        table: tableName(name),
        keys: (recordOf(asked).Keys as readonly unknown[]).map(key =>
          keyIn(key, account.tables.get(tableName(name))?.partition ?? ''),
        ),
        context: {},
      }));
    default:
      throw new Error(`how IAM sees dynamodb:${operation} is not known here`);
  }
};

const tableName = (nameOrArn: unknown): string => String(nameOrArn).replace(/^arn:.*:table\//, '');
const recordOf = (value: unknown): Json => (isRecord(value) ? value : {});

const textIn = (value: unknown): string => {
  const { S } = recordOf(value);
  if (typeof S !== 'string') throw new Error('a key that is not a string');
  return S;
};
const keyIn = (item: unknown, partition: string): string => textIn(recordOf(item)[partition]);

/** A query names one partition, with `=`. */
const queriedKey = (input: Json, partition: string): string => {
  const names = recordOf(input.ExpressionAttributeNames);
  const expression = String(input.KeyConditionExpression).replace(/#\w+/g, name => String(names[name]));
  const [, value = ''] = new RegExp(`(?:^|[\\s(])${partition}\\s*=\\s*(:\\w+)`).exec(expression) ?? [];
  return textIn(recordOf(input.ExpressionAttributeValues)[value]);
};

/** The attributes that a request names; the whole item does not count as one. */
const attributes = (input: Json): Context => {
  const projected = String(input.ProjectionExpression ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => /^\w+$/.test(name));
  const keys = [input.Key, input.Item].flatMap(item => Object.keys(recordOf(item)));
  const named = Object.values(recordOf(input.ExpressionAttributeNames)).map(String);
  const all = [...new Set([...keys, ...named, ...projected])];
  return all.length > 0 ? { 'dynamodb:Attributes': all } : {};
};

const select = (input: Json): Context => {
  const [given = input.ProjectionExpression === undefined ? 'ALL_ATTRIBUTES' : 'SPECIFIC_ATTRIBUTES'] = textsOf(
    input.Select,
  );
  return { 'dynamodb:Select': given };
};
