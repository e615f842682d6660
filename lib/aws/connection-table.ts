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

/** Hears of a record that cannot be read. `list` passes over it, so that one broken record never stops a whole shard. */
export type OnBroken = (error: RefresherError) => void;

/** A list reads so many items at a time: as they come over the wire they are many times the size of what is kept. */
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
   * Whether the answer got lost is asked of a consistent read and not of the failed write itself
   * (ReturnValuesOnConditionCheckFailure): that would put the record, with its refresh token, into an exception.
   */
  const claim = async (
    seen: Parameters<ConnectionStore['claim']>[0],
    { id, leaseUntil, forcedAt }: Claim,
  ): Promise<Connection | undefined> => {
    const mine = version(seen.version + 1);
    const answer = await change(seen.connection, {
      update: `SET #version = :mine, #dueAt = :leaseUntil, #leaseUntil = :leaseUntil, #claimId = :id${
        forcedAt === undefined ? '' : ', #forcedAt = :forcedAt'
      } REMOVE #waiters`,
      condition: '#version = :seenVersion AND #dueAt = :seenDueAt AND attribute_not_exists(#retiredAt)',
      values: { mine, leaseUntil, id, forcedAt, seenVersion: seen.version, seenDueAt: seen.dueAt },
    });
    const item = answer ? answer.Attributes : await readItem(seen.connection);
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

    // Only if absent: two discoveries may find the same secret at once, and the second must not reset the first's work.
    add: connection =>
      guarded('store_failed', `add ${connection.connection}`, async () => {
        const put = new PutItemCommand({
          TableName: table,
          Item: { ...toItem(connection), ...connectionKey(connection.connection) },
          ...expressed({ ConditionExpression: 'attribute_not_exists(#connection)' }, {}),
        });
        return (await ifCondition(() => client.send(put))) !== undefined;
      }),

    claim: (seen, how) => guarded('store_failed', `claim ${seen.connection}`, () => claim(seen, how)),

    // Repeating it after a lost answer counts one too many, which lets one fewer wait.
    join: (connection, seen, most) =>
      guarded('store_failed', `wait for ${connection}`, async () => {
        const joined = {
          update: 'ADD #waiters :one',
          condition: '#version = :seen AND (attribute_not_exists(#waiters) OR #waiters < :most)',
          values: { one: 1, seen, most },
        };
        return (await change(connection, joined)) !== undefined;
      }),

    // Only while the version is mine; and not once retired, so that a late worker brings nothing back. Repeating it after
    // a lost answer does no harm, since it then meets the same version.
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

    // Only if present: an update of an absent item would create one that holds nothing else.
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

    // Only once: a mark that moved with every discovery would never grow old enough for the record to be removed.
    retire: (connection, at) =>
      guarded('store_failed', `retire ${connection}`, async () => {
        await change(connection, {
          update: 'SET #retiredAt = :at, #dueAt = :dueAt',
          condition: 'attribute_exists(#connection) AND attribute_not_exists(#retiredAt)',
          values: { at, dueAt: plus(at, GRACE) },
        });
      }),

    // Only once: a mark that moved with every discovery would let the next secret wait for ever.
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
     * Otherwise A would settle a token that was withdrawn in between as healthy. Two updates, since none can choose what it
     * removes: whoever begins the end in between has the second one forget what is not to be used any more.
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
     * Only if due: the list that the caller looked at may be from before the secret came back and went once more.
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

    // Only while the version is the one that was ended: the secret may have come back since, and gone once more.
    end: (connection, last, at) =>
      guarded('store_failed', `end ${connection}`, async () => {
        await change(connection, {
          update: 'SET #endedAt = :at',
          condition: 'attribute_exists(#retiredAt) AND #version = :last',
          values: { at, last },
        });
      }),

    // Only if still retired, and not for the second time: the secret may have come back since the caller looked.
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
