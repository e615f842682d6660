import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type * as z from 'zod';
import { RefresherError } from '../core/errors.ts';
import { GRACE } from '../core/retirement.ts';
import { type Connection, type ConnectionId, type Listed, plus, version } from '../core/types.ts';
import type { Claim, ConnectionStore, Page } from '../ports.ts';
import {
  connectionKey,
  connectionSchema,
  listedFields,
  listedSchema,
  settlementUpdate,
  settlementValues,
  shardKey,
  summaryFields,
  summarySchema,
} from './connection-item.ts';
import { guarded } from './failure.ts';
import { expressed, fromItem, type Item, ifCondition, toItem } from './item.ts';

/** Called with a record that cannot be read. `list` skips it: one broken record never stops a whole shard. */
export type OnBroken = (error: RefresherError) => void;

/** A list reads this many items at a time: in transit they are many times the size of what is kept. */
const PAGE = 100;

const projectionOf = (fields: readonly string[]): string => fields.map(field => `#${field}`).join(', ');

interface Change {
  readonly update: string;
  readonly condition: string;
  readonly values: Record<string, unknown>;
}

/** The table `Connections`: partition key `shard`, sort key `connection`. */
export const connectionTable = (client: DynamoDBClient, table: string, onBroken: OnBroken): ConnectionStore => {
  const readItem = async (connection: ConnectionId): Promise<Item | undefined> => {
    const key = { TableName: table, Key: connectionKey(connection), ConsistentRead: true };
    return (await client.send(new GetItemCommand(key))).Item;
  };

  const change = (connection: ConnectionId, { update, condition, values }: Change) =>
    ifCondition(() =>
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: connectionKey(connection),
          ...expressed({ UpdateExpression: update, ConditionExpression: condition }, values),
          ReturnValues: 'ALL_NEW',
        }),
      ),
    );

  /** The items that can be read. */
  const readable = <T>(schema: z.ZodType<T>, items: readonly Item[] = []): T[] =>
    items.flatMap(item => {
      try {
        return [fromItem(schema, item, table)];
      } catch (thrown) {
        if (!(thrown instanceof RefresherError)) throw thrown;
        onBroken(thrown);
        return [];
      }
    });

  const list = async (provider: string, shard: number): Promise<Listed[]> => {
    const query = expressed(
      { KeyConditionExpression: '#shard = :shard', ProjectionExpression: projectionOf(listedFields) },
      { shard: shardKey(provider, shard) },
    );
    const found: Listed[] = [];
    for await (const { Items } of paginateQuery({ client, pageSize: PAGE }, { TableName: table, ...query })) {
      found.push(...readable(listedSchema, Items));
    }
    return found;
  };

  const page = async (shard: string, { after, limit }: { after: string; limit: number }): Promise<Page> => {
    const query = expressed(
      {
        KeyConditionExpression: '#shard = :shard AND #connection > :after',
        ProjectionExpression: projectionOf(summaryFields),
      },
      // A key must not be empty; a space sorts before every id.
      { shard, after: after || ' ' },
    );
    const { Items, LastEvaluatedKey } = await client.send(
      new QueryCommand({ TableName: table, ...query, Limit: limit }),
    );
    const next = LastEvaluatedKey?.connection?.S;
    return { connections: readable(summarySchema, Items), ...(next !== undefined && { next }) };
  };

  /*
   * Why version and dueAt: two workers see the same due connection, and an operator may have moved it since.
   *
   *   A   list: version 3 ..... claim 3 → 4: wins, dueAt is the end of the lease
   *   B   list: version 3 ............ claim 3 → 4: loses, version is 4
   *
   * A consistent read finds out whether only the answer was lost. ReturnValuesOnConditionCheckFailure is not used: it
   * would put the record into an exception.
   */
  const claim = async (
    before: Parameters<ConnectionStore['claim']>[0],
    { id, leaseUntil, forcedAt }: Claim,
  ): Promise<Connection | undefined> => {
    const mine = version(before.version + 1);
    const answer = await change(before.connection, {
      update: `SET #version = :mine, #dueAt = :leaseUntil, #leaseUntil = :leaseUntil, #claimId = :id${
        forcedAt === undefined ? '' : ', #forcedAt = :forcedAt'
      } REMOVE #waiters`,
      condition: '#version = :versionBefore AND #dueAt = :dueBefore AND attribute_not_exists(#retiredAt)',
      values: { mine, leaseUntil, id, forcedAt, versionBefore: before.version, dueBefore: before.dueAt },
    });
    const item = answer ? answer.Attributes : await readItem(before.connection);
    const claimed = item?.claimId?.S === id && item.version?.N === String(mine);
    return item && claimed ? fromItem(connectionSchema, item, table) : undefined;
  };

  return {
    list: (provider, shard) =>
      guarded('store_failed', `list the connections of ${shardKey(provider, shard)}`, () => list(provider, shard)),

    page: (provider, shard, from) =>
      guarded('store_failed', `list the connections of ${shardKey(provider, shard)}`, () =>
        page(shardKey(provider, shard), from),
      ),

    get: connection =>
      guarded('store_failed', `read ${connection}`, async () => {
        const item = await readItem(connection);
        return item && fromItem(connectionSchema, item, table);
      }),

    // Only if absent: two discoveries may find a secret at once, and the second must not reset the work of the first.
    add: connection =>
      guarded('store_failed', `add ${connection.connection}`, async () => {
        const put = new PutItemCommand({
          TableName: table,
          Item: { ...toItem(connection), ...connectionKey(connection.connection) },
          ...expressed({ ConditionExpression: 'attribute_not_exists(#connection)' }, {}),
        });
        return (await ifCondition(() => client.send(put))) !== undefined;
      }),

    claim: (before, how) => guarded('store_failed', `claim ${before.connection}`, () => claim(before, how)),

    // The SDK may repeat it after a lost answer: it then counts one too many, and one fewer may wait.
    join: (connection, known, most) =>
      guarded('store_failed', `wait for ${connection}`, async () => {
        const joined = {
          update: 'ADD #waiters :one',
          condition: '#version = :known AND (attribute_not_exists(#waiters) OR #waiters < :most)',
          values: { one: 1, known, most },
        };
        return (await change(connection, joined)) !== undefined;
      }),

    // Only while the version is mine and the connection is not retired: a late worker brings nothing back. A repetition
    // after a lost answer is harmless, since it finds the same version.
    settle: (connection, mine, settlement) =>
      guarded('store_failed', `settle ${connection}`, async () => {
        const settled = {
          update: settlementUpdate(settlement),
          condition: '#version = :mine AND attribute_not_exists(#retiredAt)',
          values: { ...settlementValues(settlement), mine },
        };
        return (await change(connection, settled)) !== undefined;
      }),

    raise: (connection, mine, to) =>
      guarded('store_failed', `raise the version of ${connection}`, async () => {
        const raised = {
          update: 'SET #version = :to',
          condition: '#version = :mine AND attribute_not_exists(#retiredAt)',
          values: { mine, to },
        };
        return (await change(connection, raised)) !== undefined;
      }),

    // Only if present: updating an absent item would create one with nothing else in it.
    noteSecret: (connection, { discoveredVersion, secretKeys, labels }) =>
      guarded('store_failed', `note the secret of ${connection}`, async () => {
        await change(connection, {
          update: 'SET #discoveredVersion = :discoveredVersion, #secretKeys = :secretKeys, #labels = :labels',
          condition: 'attribute_exists(#connection)',
          values: { discoveredVersion, secretKeys, labels },
        });
      }),

    noteReported: (connection, reported) =>
      guarded('store_failed', `note what was reported of ${connection}`, async () => {
        await change(connection, {
          update: 'SET #reported = :reported',
          condition: 'attribute_exists(#connection)',
          values: { reported },
        });
      }),

    // Only once: if every discovery moved the mark, the record would never be old enough to be removed.
    retire: (connection, at) =>
      guarded('store_failed', `retire ${connection}`, async () => {
        await change(connection, {
          update: 'SET #retiredAt = :at, #dueAt = :dueAt',
          condition: 'attribute_exists(#connection) AND attribute_not_exists(#retiredAt)',
          values: { at, dueAt: plus(at, GRACE) },
        });
      }),

    // Only once: if every discovery moved the mark, the next secret would wait forever.
    replace: (connection, at) =>
      guarded('store_failed', `replace ${connection}`, async () => {
        await change(connection, {
          update: 'SET #retiredAt = if_not_exists(#retiredAt, :at), #replacedAt = :at, #dueAt = :at',
          condition: 'attribute_exists(#connection) AND attribute_not_exists(#replacedAt)',
          values: { at },
        });
      }),

    /*
     * Only if retired: otherwise it would make a connection due that a worker holds. Why a new version:
     *
     *   A (version 4)   publish ................ settle 4: loses, 5 is there
     *   discovery               retire, revive 5
     *   B                                                      claim, publish 6
     *
     * Otherwise A would settle a withdrawn token as healthy. Two updates, since one update cannot choose what it
     * removes: if the end begins in between, the second one removes what must not be used any more.
     */
    revive: (connection, { from, ...how }) =>
      guarded('store_failed', `revive ${connection}`, async () => {
        const values = { ...how, one: 1 };
        const update =
          'SET #dueAt = :at, #version = #version + :one, ' +
          '#discoveredVersion = :discoveredVersion, #secretKeys = :secretKeys, #labels = :labels ' +
          'REMOVE #retiredAt, #replacedAt, #claimId, #waiters';
        if (from === 'retired') {
          const condition =
            'attribute_exists(#retiredAt) AND attribute_not_exists(#endingAt) AND attribute_not_exists(#endedAt)';
          if (await change(connection, { update, condition, values })) return;
        }
        const begun = 'attribute_exists(#retiredAt) AND (attribute_exists(#endingAt) OR attribute_exists(#endedAt))';
        await change(connection, {
          update: `${update}, #endingAt, #endedAt, #issuedAt, #expiresAt, #session, #leaseUntil`,
          condition: from === 'ended' ? 'attribute_exists(#retiredAt) AND attribute_exists(#endedAt)' : begun,
          values,
        });
      }),

    /*
     * Only if due: since the caller's list, the secret may have come back and been deleted again.
     *
     *   A           list: retired, due ........................ begin: too early
     *   discovery                       revive ... retire again
     */
    beginEnd: (connection, { at, dueAt }) =>
      guarded('store_failed', `end ${connection}`, async () => {
        const begun = await change(connection, {
          update: 'SET #dueAt = :dueAt, #endingAt = if_not_exists(#endingAt, :at) REMOVE #endedAt',
          condition: 'attribute_exists(#retiredAt) AND (attribute_exists(#endingAt) OR #dueAt <= :at)',
          values: { at, dueAt },
        });
        return begun?.Attributes && fromItem(connectionSchema, begun.Attributes, table);
      }),

    // Only while the version is the one that was ended: the secret may have come back since, and been deleted again.
    end: (connection, last, at) =>
      guarded('store_failed', `end ${connection}`, async () => {
        await change(connection, {
          update: 'SET #endedAt = :at',
          condition: 'attribute_exists(#retiredAt) AND #version = :last',
          values: { at, last },
        });
      }),

    // Only if still retired, and for the same retirement: the secret may have come back since the caller looked.
    remove: (connection, last) =>
      guarded('store_failed', `remove ${connection}`, async () => {
        const remove = new DeleteItemCommand({
          TableName: table,
          Key: connectionKey(connection),
          ...expressed({ ConditionExpression: 'attribute_exists(#retiredAt) AND #version = :last' }, { last }),
        });
        await ifCondition(() => client.send(remove));
      }),
  };
};
