import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { type ConnectionId, providerOf } from '../core/types.ts';
import type { SessionStore, StoredSession } from '../ports.ts';
import { guarded } from './failure.ts';
import {
  expressed,
  fromItem,
  type Item,
  ifCondition,
  momentSchema,
  type SchemaOf,
  toItem,
  versionSchema,
} from './item.ts';
import { sessionShard } from './keys.ts';

export const storedSchema: SchemaOf<StoredSession> = z.object({
  version: versionSchema,
  session: z
    .object({
      refreshToken: z.string().min(1),
      endsAt: momentSchema.exactOptional(),
      base: z.string(),
      binding: z.string(),
    })
    .exactOptional(),
});

const keyOf = (connection: ConnectionId): Item => toItem({ shard: sessionShard(providerOf(connection)), connection });

/** The sessions in the table `Connections`. */
export const sessionTable = (client: DynamoDBClient, table: string): SessionStore => ({
  get: connection =>
    guarded('store_failed', `read the session of ${connection}`, async () => {
      const read = new GetItemCommand({ TableName: table, Key: keyOf(connection), ConsistentRead: true });
      const { Item } = await client.send(read);
      return Item && fromItem(storedSchema, Item, table);
    }),

  // The same version may write again: the SDK repeats a write whose answer was lost.
  keep: (connection, mine, session) =>
    guarded('store_failed', `keep the session of ${connection}`, async () => {
      const put = new PutItemCommand({
        TableName: table,
        Item: { ...toItem({ version: mine, session }), ...keyOf(connection) },
        ...expressed({ ConditionExpression: 'attribute_not_exists(#connection) OR #version <= :mine' }, { mine }),
      });
      return (await ifCondition(() => client.send(put))) !== undefined;
    }),

  forget: (connection, upTo) =>
    guarded('store_failed', `forget the session of ${connection}`, async () => {
      const remove = new DeleteItemCommand({
        TableName: table,
        Key: keyOf(connection),
        ...expressed({ ConditionExpression: '#version <= :upTo' }, { upTo }),
      });
      await ifCondition(() => client.send(remove));
    }),
});
