import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { RefresherError } from '../core/errors.ts';
import { epochMs, parseConnectionId, version } from '../core/types.ts';

export type Item = Record<string, AttributeValue>;

type Scalar = string | number | boolean;

/**
 * The schema of a stored type. It must have every field of the type, including optional and nested ones: `z.ZodType`
 * accepts a schema without them, which would then drop these fields on reading.
 */
export type SchemaOf<T> = [T] extends [Scalar]
  ? z.ZodType<T>
  : T extends readonly (infer Each)[]
    ? z.ZodArray<SchemaOf<Each>>
    : string extends keyof T
      ? z.ZodType<T>
      : z.ZodObject<{ readonly [Field in keyof Required<T>]: FieldOf<T, Field> }> & z.ZodType<T>;

type FieldOf<T, Field extends keyof T> =
  T extends Record<Field, T[Field]> ? SchemaOf<T[Field]> : z.ZodExactOptional<SchemaOf<Required<T>[Field]>>;

export const momentSchema = z.int().transform(epochMs);
export const versionSchema = z.int().transform(version);
export const connectionIdSchema = z.string().transform((text, context) => {
  const id = parseConnectionId(text);
  if (id) return id;
  context.issues.push({ code: 'custom', message: 'not the id of a connection', input: text });
  return z.NEVER;
});

export const toItem = (record: object): Item => marshall(record, { removeUndefinedValues: true });

/** Reads an item. If it does not match the schema: a `store_failed` with item and attribute, but no value. */
export const fromItem = <T>(schema: z.ZodType<T>, item: Item, table: string): T => {
  // Numbers of any size as plain numbers: the schema checks them; nothing throws here.
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
 * The names and values in expressions: `#dueAt` stands for the attribute `dueAt` (always aliased, since many words are
 * reserved), `:dueAt` for the value with that name.
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

/** Runs a conditional write; undefined if its condition did not hold. */
export const ifCondition = async <T>(write: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await write();
  } catch (thrown) {
    if (thrown instanceof ConditionalCheckFailedException) return undefined;
    throw thrown;
  }
};
