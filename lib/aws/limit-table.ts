import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { type LimitState, unused } from '../core/rate-limit.ts';
import type { LimitStore } from '../shell/ports.ts';
import { guarded } from './failure.ts';
import { expressed, fromItem, type Item, momentSchema, type SchemaOf, toItem } from './item.ts';
import { REMOVE_AT } from './tables.ts';

const count = z.int().min(0);
const stateSchema: SchemaOf<LimitState> = z.object({
  bookings: z.array(z.object({ at: momentSchema, scheduled: count, minority: count })),
  writtenAt: momentSchema,
  pausedUntil: momentSchema.exactOptional(),
});
const thereSchema = z.object({ state: stateSchema, revision: z.int() });

/** A partition of its own, apart from the shards: a role that lists connections cannot use up their limits. */
export const limitShard = (provider: string): string => `${provider}#limits`;

/** A limit that was not used for so long leaves no item behind. Seconds. */
const KEPT = 86_400;

/** The states of rate limits in the table `Connections`, one item a key. A key begins with the id of its provider. */
export const limitTable = (client: DynamoDBClient, table: string): LimitStore => {
  const keyOf = (key: string): Item => toItem({ shard: limitShard(key.split('#', 1)[0] ?? ''), connection: key });

  /** The item that a refused write met. An emulator may not give it along. */
  const there = async (key: string, { Item: item }: ConditionalCheckFailedException) => {
    if (item) return fromItem(thereSchema, item, table);
    const read = new GetItemCommand({ TableName: table, Key: keyOf(key), ConsistentRead: true });
    const { Item: found } = await client.send(read);
    return found ? fromItem(thereSchema, found, table) : { state: unused, revision: 0 };
  };

  /*
   * Why a revision: both know the same log with room for one call, and both would write it.
   *
   *   A   knows revision 7 ..... writes 8 if 7: booked
   *   B   knows revision 7 ............ writes 8 if 7: refused, gets 8, sees no room
   */
  const write: LimitStore['write'] = async (key, state, revision) => {
    const lastAt = state.bookings.at(-1)?.at ?? state.pausedUntil ?? 0;
    const put = new PutItemCommand({
      TableName: table,
      Item: {
        ...toItem({ state, revision: revision + 1, [REMOVE_AT]: Math.ceil(lastAt / 1000) + KEPT }),
        ...keyOf(key),
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ...expressed(
        { ConditionExpression: revision === 0 ? 'attribute_not_exists(#connection)' : '#revision = :revision' },
        revision === 0 ? {} : { revision },
      ),
    });
    try {
      await client.send(put);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof ConditionalCheckFailedException) return there(key, thrown);
      throw thrown;
    }
  };

  return {
    write: (key, state, revision) => guarded('store_failed', `book calls of ${key}`, () => write(key, state, revision)),
  };
};
