import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { NumberValueImpl } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { type LimitState, unused } from '../core/rate-limit.ts';
import { epochMs } from '../core/types.ts';
import type { LimitStore } from '../ports.ts';
import { guarded } from './failure.ts';
import { expressed, fromItem, type Item, ifCondition, type SchemaOf, toItem } from './item.ts';
import { limitShard, REMOVE_AT } from './keys.ts';

const count = z.int().min(0);
/** At most what a `Date` can hold: sums of two still fit into an item. */
const moment = z.int().min(0).max(8.64e15).transform(epochMs);
const stateSchema: SchemaOf<LimitState> = z.object({
  bookings: z.array(z.object({ at: moment, scheduled: count, minority: count })),
  writtenAt: moment,
  pausedUntil: moment.exactOptional(),
});
const UNREADABLE = 0;
const revisionSchema = z.int().min(1).lt(Number.MAX_SAFE_INTEGER);
/** An unreadable state counts as unused and the next write replaces it. Otherwise nobody could ever call again. */
const thereSchema = z.object({
  state: stateSchema.catch(() => ({ ...unused, bookings: [] })),
  revision: revisionSchema.catch(UNREADABLE),
});

/** A limit that was not used for this long is deleted. Seconds. */
const KEPT = 86_400;

/** The states of rate limits in the table `Connections`, one item per key. A key begins with the provider's id. */
export const limitTable = (client: DynamoDBClient, table: string): LimitStore => {
  const keyOf = (key: string): Item => toItem({ shard: limitShard(key.split('#', 1)[0] ?? ''), connection: key });

  const put = (
    key: string,
    state: LimitState,
    revision: number,
    condition: string,
    values: Record<string, unknown>,
  ) => {
    const lastAt = state.bookings.at(-1)?.at ?? state.pausedUntil ?? 0;
    const command = new PutItemCommand({
      TableName: table,
      Item: { ...toItem({ state, revision, [REMOVE_AT]: Math.ceil(lastAt / 1000) + KEPT }), ...keyOf(key) },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ...expressed({ ConditionExpression: condition }, values),
    });
    return client.send(command);
  };

  /** Replaces an item with an unreadable revision, unless another process already has. */
  const replace = async (key: string, { revision }: Item) => {
    // Compare the stored number as it is: it may have more digits than a JavaScript number.
    const [condition, values] = revision?.N
      ? ['#revision = :revision', { revision: NumberValueImpl.from(revision.N) }]
      : ['NOT attribute_type(#revision, :number)', { number: 'N' }];
    const done = await ifCondition(() => put(key, unused, 1, condition, values));
    return { state: unused, revision: done ? 1 : 0 };
  };

  /** The item that refused a write. An emulator may not return it. */
  const there = async (key: string, refused: ConditionalCheckFailedException) => {
    const read = new GetItemCommand({ TableName: table, Key: keyOf(key), ConsistentRead: true });
    const item = refused.Item ?? (await client.send(read)).Item;
    if (!item) return { state: unused, revision: 0 };
    const found = fromItem(thereSchema, item, table);
    return found.revision === UNREADABLE ? replace(key, item) : found;
  };

  /*
   * Why a revision: both processes see the same log with room for one call, and both would write it.
   *
   *   A   read revision 7 ..... writes 8 if 7: booked
   *   B   read revision 7 ............ writes 8 if 7: refused, gets 8, sees no room
   */
  const write: LimitStore['write'] = async (key, state, revision) => {
    const condition = revision === 0 ? 'attribute_not_exists(#connection)' : '#revision = :revision';
    try {
      await put(key, state, revision + 1, condition, revision === 0 ? {} : { revision });
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
