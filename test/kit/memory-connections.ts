import { GRACE } from '../../lib/core/retirement.ts';
import { shardOf } from '../../lib/core/shard.ts';
import { type Connection, type ConnectionId, type Listed, plus, providerOf, version } from '../../lib/core/types.ts';
import type { ConnectionStore, ConnectionSummary, Settlement } from '../../lib/ports.ts';

import { type EffectRunner, type MemoryTables, stored } from './memory-tables.ts';

const shards = new Map<ConnectionId, number>();
/** `shardOf` hashes: this caches its result for each connection. */
const knownShard = (connection: ConnectionId): number => {
  const shard = shards.get(connection) ?? shardOf(connection);
  shards.set(connection, shard);
  return shard;
};

const settle = (record: Connection, settlement: Settlement): Connection => ({
  ...settlement,
  connection: record.connection,
  version: record.version,
  ...(record.forcedAt !== undefined && { forcedAt: record.forcedAt }),
  ...(record.reported !== undefined && { reported: record.reported }),
  ...(record.discoveredVersion !== undefined && { discoveredVersion: record.discoveredVersion }),
  ...(record.secretKeys !== undefined && { secretKeys: record.secretKeys }),
  ...(record.labels !== undefined && { labels: record.labels }),
});

const summaryOf = (record: Connection): ConnectionSummary => {
  const { connection, status, dueAt, issuedAt, expiresAt, failures, failingSince, lastError } = record;
  const { retiredAt, session, labels } = record;
  return {
    ...{ connection, status, dueAt, failures },
    ...(issuedAt !== undefined && { issuedAt }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(failingSince !== undefined && { failingSince }),
    ...(lastError && { lastError }),
    ...(retiredAt !== undefined && { retiredAt }),
    ...(session && { session }),
    ...(labels && { labels }),
  };
};

/** The fields of a list. */
const listedOf = (record: Connection): Listed => {
  const { connection, status, dueAt, version, leaseUntil, issuedAt, expiresAt, failures } = record;
  const { lastError, base, discoveredVersion, secretKeys, usedVersion, settledVersion } = record;
  const {
    retiredAt,
    endingAt,
    replacedAt,
    endedAt,
    failingSince,
    attentionSince,
    session,
    reported,
    labels,
    redeemedCode,
  } = record;
  return {
    ...{ connection, status, dueAt, version, failures },
    ...(leaseUntil !== undefined && { leaseUntil }),
    ...(issuedAt !== undefined && { issuedAt }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(lastError && { lastError }),
    ...(base !== undefined && { base }),
    ...(discoveredVersion !== undefined && { discoveredVersion }),
    ...(secretKeys !== undefined && { secretKeys }),
    ...(labels && { labels }),
    ...(redeemedCode !== undefined && { redeemedCode }),
    ...(usedVersion !== undefined && { usedVersion }),
    ...(settledVersion !== undefined && { settledVersion }),
    ...(retiredAt !== undefined && { retiredAt }),
    ...(endingAt !== undefined && { endingAt }),
    ...(replacedAt !== undefined && { replacedAt }),
    ...(endedAt !== undefined && { endedAt }),
    ...(failingSince !== undefined && { failingSince }),
    ...(attentionSince !== undefined && { attentionSince }),
    ...(session !== undefined && { session }),
    ...(reported !== undefined && { reported }),
  };
};

/** The fields that a connection loses when its secret comes back, always or once its end has begun. */
const ofRetirement = ['retiredAt', 'replacedAt'] as const;
const ofOneLife = [...ofRetirement, 'endingAt', 'endedAt', 'issuedAt', 'expiresAt', 'session', 'leaseUntil'] as const;
const without = <T extends object, K extends keyof T>(record: T, fields: readonly K[]): Omit<T, K> =>
  Object.fromEntries(Object.entries(record).filter(([field]) => !fields.some(each => each === field))) as Omit<T, K>;

export const memoryConnections = (
  run: EffectRunner,
  { records, ids, claims, waiters }: MemoryTables,
): ConnectionStore => {
  const shard = (provider: string, number: number): Set<ConnectionId> => {
    const key = `${provider}#${number}`;
    const there = ids.get(key) ?? new Set();
    ids.set(key, there);
    return there;
  };
  const own = (connection: ConnectionId) => shard(providerOf(connection), knownShard(connection));
  const listed = (provider: string, number: number): Connection[] =>
    [...shard(provider, number)]
      .sort()
      .map(id => records.get(id))
      .filter(record => record !== undefined);
  const unclaim = (connection: ConnectionId): void => {
    claims.delete(connection);
    waiters.delete(connection);
  };

  const change = (
    connection: ConnectionId,
    allowed: (record: Connection) => boolean,
    to: (c: Connection) => Connection,
  ) => {
    const record = records.get(connection);
    if (!record || !allowed(record)) return false;
    records.set(connection, stored(to(record)));
    return true;
  };
  const isRetired = ({ retiredAt }: Connection): boolean => retiredAt !== undefined;
  const hasBegunToEnd = ({ endingAt, endedAt }: Connection): boolean => endingAt !== undefined || endedAt !== undefined;

  return {
    list: (provider, number) => run('connections.list', () => listed(provider, number).map(listedOf)),
    page: (provider, number, { after, limit }) =>
      run('connections.page', () => {
        const behind = listed(provider, number).filter(({ connection }) => connection > after);
        const connections = behind.slice(0, limit);
        const last = connections.at(-1);
        const more = last && connections.length === limit;
        return { connections: connections.map(summaryOf), ...(more && { next: last.connection }) };
      }),
    get: connection => run('connections.get', () => records.get(connection)),
    add: connection =>
      run('connections.add', () => {
        if (records.has(connection.connection)) return false;
        records.set(connection.connection, stored(connection));
        own(connection.connection).add(connection.connection);
        return true;
      }),
    claim: (seen, { id, leaseUntil, forcedAt }) =>
      run('connections.claim', () => {
        const mine = version(seen.version + 1);
        const free = (record: Connection) =>
          record.version === seen.version && record.dueAt === seen.dueAt && !isRetired(record);
        const mark = { version: mine, dueAt: leaseUntil, leaseUntil, ...(forcedAt !== undefined && { forcedAt }) };
        if (change(seen.connection, free, record => ({ ...record, ...mark }))) {
          claims.set(seen.connection, id);
          waiters.delete(seen.connection);
        }
        const record = records.get(seen.connection);
        return record?.version === mine && claims.get(seen.connection) === id ? record : undefined;
      }),
    join: (connection, seen, most) =>
      run('connections.join', () => {
        const count = waiters.get(connection) ?? 0;
        if (records.get(connection)?.version !== seen || count >= most) return false;
        waiters.set(connection, count + 1);
        return true;
      }),
    settle: (connection, mine, settlement) =>
      run('connections.settle', () => {
        const allowed = (record: Connection) => record.version === mine && !isRetired(record);
        const settled = change(connection, allowed, record => settle(record, settlement));
        if (settled) unclaim(connection);
        return settled;
      }),
    raise: (connection, mine, to) =>
      run('connections.raise', () =>
        change(
          connection,
          record => record.version === mine && !isRetired(record),
          record => ({ ...record, version: to }),
        ),
      ),
    noteSecret: (connection, noted) =>
      run('connections.noteSecret', () => {
        change(
          connection,
          () => true,
          record => ({ ...record, ...noted }),
        );
      }),
    noteReported: (connection, reported) =>
      run('connections.noteReported', () => {
        change(
          connection,
          () => true,
          record => ({ ...record, reported }),
        );
      }),
    retire: (connection, at) =>
      run('connections.retire', () => {
        change(
          connection,
          record => !isRetired(record),
          record => ({ ...record, retiredAt: at, dueAt: plus(at, GRACE) }),
        );
      }),
    replace: (connection, at) =>
      run('connections.replace', () => {
        change(
          connection,
          record => record.replacedAt === undefined,
          record => ({ ...record, retiredAt: record.retiredAt ?? at, replacedAt: at, dueAt: at }),
        );
      }),
    revive: (connection, { at, discoveredVersion, secretKeys, labels, from }) =>
      run('connections.revive', () => {
        const allowed = (record: Connection) =>
          isRetired(record) && (from === 'retired' || record.endedAt !== undefined);
        const again = (record: Connection) => ({
          ...without(record, hasBegunToEnd(record) ? ofOneLife : ofRetirement),
          dueAt: at,
          version: version(record.version + 1),
          ...{ discoveredVersion, secretKeys, labels },
        });
        if (change(connection, allowed, again)) unclaim(connection);
      }),
    beginEnd: (connection, { at, dueAt }) =>
      run('connections.beginEnd', () => {
        const allowed = (record: Connection) =>
          isRetired(record) && (record.endingAt !== undefined || record.dueAt <= at);
        const begun = change(connection, allowed, record => ({
          ...without(record, ['endedAt']),
          ...{ dueAt, endingAt: record.endingAt ?? at },
        }));
        return begun ? records.get(connection) : undefined;
      }),
    end: (connection, last, at) =>
      run('connections.end', () => {
        const allowed = (record: Connection) => isRetired(record) && record.version === last;
        change(connection, allowed, record => ({ ...record, endedAt: at }));
      }),
    remove: (connection, last) =>
      run('connections.remove', () => {
        const record = records.get(connection);
        if (record && isRetired(record) && record.version === last) {
          records.delete(connection);
          own(connection).delete(connection);
          unclaim(connection);
        }
      }),
  };
};
