import { isObject } from '../../lib/core/json.ts';
import type { AwsAccount } from './account.ts';
import { keyUse, type Need, type RequestContext } from './needs.ts';
import type { Request } from './requests.ts';
import { asTexts, type JsonObject } from './stacks.ts';

interface Touched {
  readonly table: string;
  /** Values of the partition key; none if the request does not name any. */
  readonly keys: readonly string[];
  readonly context: RequestContext;
}

/** The input of DynamoDB's IAM check: the items by their partition keys, and the table's key. */
export const itemNeeds = ({ input }: Request, account: AwsAccount, operation: string): readonly Need[] =>
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

const touched = (operation: string, input: JsonObject, account: AwsAccount): readonly Touched[] => {
  const table = tableName(input.TableName);
  const partition = account.tables.get(table)?.partition ?? '';
  const one = (keys: readonly string[], ...context: readonly RequestContext[]) => [
    { table, keys, context: Object.assign({}, ...context) as RequestContext },
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
const recordOf = (value: unknown): JsonObject => (isObject(value) ? value : {});

const textIn = (value: unknown): string => {
  const { S } = recordOf(value);
  if (typeof S !== 'string') throw new Error('a key that is not a string');
  return S;
};
const keyIn = (item: unknown, partition: string): string => textIn(recordOf(item)[partition]);

/** A query names one partition, with `=`. */
const queriedKey = (input: JsonObject, partition: string): string => {
  const names = recordOf(input.ExpressionAttributeNames);
  const expression = String(input.KeyConditionExpression).replace(/#\w+/g, name => String(names[name]));
  const [, value = ''] = new RegExp(`(?:^|[\\s(])${partition}\\s*=\\s*(:\\w+)`).exec(expression) ?? [];
  return textIn(recordOf(input.ExpressionAttributeValues)[value]);
};

/** The attributes that a request names; the whole item does not count as one. */
const attributes = (input: JsonObject): RequestContext => {
  const projected = String(input.ProjectionExpression ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => /^\w+$/.test(name));
  const keys = [input.Key, input.Item].flatMap(item => Object.keys(recordOf(item)));
  const named = Object.values(recordOf(input.ExpressionAttributeNames)).map(String);
  const all = [...new Set([...keys, ...named, ...projected])];
  return all.length > 0 ? { 'dynamodb:Attributes': all } : {};
};

const select = (input: JsonObject): RequestContext => {
  const [given = input.ProjectionExpression === undefined ? 'ALL_ATTRIBUTES' : 'SPECIFIC_ATTRIBUTES'] = asTexts(
    input.Select,
  );
  return { 'dynamodb:Select': given };
};
