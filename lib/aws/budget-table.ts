import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { type EpochMs, plus } from '../core/types.ts';
import type { BudgetStore } from '../shell/ports.ts';
import { book } from './budget-window.ts';
import { guarded } from './failure.ts';
import { expressed, fromItem, ifCondition, momentSchema, toItem } from './item.ts';

/** Beside the shards of the provider, so that a role that may write these may write its budget, and no other's. */
const budgetKey = (key: string) => ({ shard: `${key.split('#', 1)[0]}#budget`, connection: key });

/** Every try that fails means that another caller's booking went through, so that a full budget ends the loop early. */
const TRIES = 8;

const logSchema = z.object({ calls: z.array(momentSchema), revision: z.int() });

/** Sliding logs of the calls made, one item a budget key: read, then write on the condition that nobody else has. */
export const budgetTable = (client: DynamoDBClient, table: string): BudgetStore => {
  const read = (key: string) =>
    guarded('store_failed', `read the calls of ${key}`, async () => {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: table, Key: toItem(budgetKey(key)), ConsistentRead: true }),
      );
      return Item ? fromItem(logSchema, Item, table) : { calls: [], revision: 0 };
    });

  /*
   * Why a revision: both read the same log with room for one call, and both would write it.
   *
   *   A   read revision 7 ..... write 8 if 7: booked
   *   B   read revision 7 ............ write 8 if 7: refused, reads again, sees no room
   *
   * A booking whose answer was lost is made a second time: it errs on the side of fewer calls.
   */
  const write = (key: string, calls: readonly EpochMs[], seen: number) =>
    guarded('store_failed', `book calls of ${key}`, () =>
      ifCondition(() =>
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: toItem({ ...budgetKey(key), calls, revision: seen + 1 }),
            ...expressed({ ConditionExpression: 'attribute_not_exists(#connection) OR #revision = :seen' }, { seen }),
          }),
        ),
      ),
    );

  const reserve: BudgetStore['reserve'] = async (key, budget, cost, now) => {
    for (let tried = 0; tried < TRIES; tried += 1) {
      const { calls, revision } = await read(key);
      const booking = book(calls, budget, cost, now);
      if (!booking.ok) return booking;
      if (await write(key, booking.calls, revision)) return { ok: true };
    }
    // Too many callers at once for now; the mean distance of two calls is a fair time to wait.
    return { ok: false, retryAt: plus(now, budget.per / budget.calls) };
  };

  return { reserve };
};
