import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { RefresherError } from '../core/errors.ts';
import { epochMs, parseConnectionId, version } from '../core/types.ts';

export type Item = Record<string, AttributeValue>;

export const momentSchema = z.int().transform(epochMs);
export const versionSchema = z.int().transform(version);
export const connectionIdSchema = z.string().transform((text, context) => {
  const id = parseConnectionId(text);
  if (id) return id;
  context.issues.push({ code: 'custom', message: 'not the id of a connection', input: text });
  return z.NEVER;
});

/**
 * The schemas of all fields of a record. One that is added to the type and not here does not compile: a schema of zod leaves
 * an optional field out without a word, and the table would lose it.
 */
export type Fields<T> = { readonly [K in keyof Required<T>]: z.ZodType };

export const toItem = (record: object): Item => marshall(record, { removeUndefinedValues: true });

/** Reads an item; one that is not what the schema says is a `store_failed` that names item and attribute, no value. */
export const fromItem = <T>(schema: z.ZodType<T>, item: Item, table: string): T => {
  // Numbers as plain numbers, whatever their size: the schema judges them, instead of an exception here.
  const read = schema.safeParse(unmarshall(item, { wrapNumbers: Number }));
  if (read.success) return read.data;
  const attribute = read.error.issues[0]?.path.join('.') ?? '';
  throw new RefresherError('store_failed', `${table}: ${item.connection?.S ?? 'an item'} has a broken "${attribute}"`);
};

interface Expressions {
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
  readonly KeyConditionExpression?: string;
  readonly ProjectionExpression?: string;
}

/**
 * The names and values that expressions need: `#dueAt` stands for the attribute `dueAt` (always aliased, since so many
 * words are reserved), `:dueAt` for the value of that name.
 */
export const expressed = <E extends Expressions>(expressions: E, values: Record<string, unknown>) => ({
  ...expressions,
  ExpressionAttributeNames: Object.fromEntries(
    [
      ...Object.values(expressions)
        .join(' ')
        .matchAll(/#(\w+)/g),
    ].map(([alias, name]) => [alias, name ?? '']),
  ),
  ...(Object.keys(values).length > 0 && {
    ExpressionAttributeValues: Object.fromEntries(
      Object.entries(toItem(values)).map(([name, value]) => [`:${name}`, value]),
    ),
  }),
});

/** Runs a conditional write: nothing where its condition did not hold. */
export const ifCondition = async <T>(write: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await write();
  } catch (thrown) {
    if (thrown instanceof ConditionalCheckFailedException) return undefined;
    throw thrown;
  }
};
