import type { LoginState } from '../../lib/core/login.ts';
import { type LimitState, unused } from '../../lib/core/rate-limit.ts';
import { GRACE } from '../../lib/core/retirement.ts';
import { versionOf } from '../../lib/core/secret.ts';
import { shardOf } from '../../lib/core/shard.ts';
import {
  type Connection,
  type ConnectionId,
  type Listed,
  plus,
  providerOf,
  type SecretVersion,
  type Token,
  version,
} from '../../lib/core/types.ts';
import type {
  ConnectionStore,
  ConnectionSummary,
  LimitStore,
  LoginStore,
  SecretSource,
  SecretValue,
  SessionStore,
  Settlement,
  StoredSession,
  Take,
  TokenStore,
} from '../../lib/ports.ts';

/**
 * The place of faults: `before` an operation has an effect, or `after` it (a throw there is a lost answer). Operations
 * are named `tokens.publish`, `connections.claim`, `limits.write`, `secrets.get` and so on.
 */
export interface Hooks {
  before?(operation: string): Promise<void>;
  after?(operation: string): Promise<void>;
}

/** Operations on secrets for tests; the product never uses them. */
export interface SecretAdmin {
  /**
   * Adds a secret or a new version of one; without a text it has no value yet. A writer may choose the version's id.
   */
  put(name: string, text?: string, version?: SecretVersion): Promise<void>;
  /** Deletes it at once: another one may take its name. */
  erase(name: string): Promise<void>;
  /** Schedules it for deletion. */
  delete(name: string): Promise<void>;
  restore(name: string): Promise<void>;
}

/** All stores, in memory or in AWS. */
export interface Stores {
  readonly tokens: TokenStore;
  readonly connections: ConnectionStore;
  readonly sessions: SessionStore;
  readonly limits: LimitStore;
  readonly logins: LoginStore;
  readonly secrets: SecretSource & SecretAdmin;
}

/** The content of the tables. A test may copy it and restore the copy, like a person who restores a table. */
export interface MemoryTables {
  readonly tokens: Map<ConnectionId, Token>;
  readonly records: Map<ConnectionId, Connection>;
  readonly sessions: Map<ConnectionId, StoredSession>;
  /** The connections of each shard. */
  readonly ids: Map<string, Set<ConnectionId>>;
  readonly claims: Map<ConnectionId, string>;
  readonly waiters: Map<ConnectionId, number>;
  readonly logins: Map<string, { readonly state: LoginState; readonly by?: Take }>;
}

export const emptyTables = (): MemoryTables => ({
  tokens: new Map(),
  records: new Map(),
  sessions: new Map(),
  ids: new Map(),
  claims: new Map(),
  waiters: new Map(),
  logins: new Map(),
});

type Run = <T>(operation: string, effect: () => T) => Promise<T>;

/** Every effect happens at once, between two hooks. */
const runner =
  (hooks: Hooks): Run =>
  async (operation, effect) => {
    await hooks.before?.(operation);
    const answer = effect();
    await hooks.after?.(operation);
    return answer;
  };

/** Stored values are frozen copies: they can be returned without copying. */
const stored = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(stored)) as T;
  const copy: Record<string, unknown> = {};
  for (const name in value) copy[name] = stored(value[name]);
  return Object.freeze(copy) as T;
};

const shards = new Map<ConnectionId, number>();
/** `shardOf` hashes: this caches its result for each connection. */
const knownShard = (connection: ConnectionId): number => {
  const shard = shards.get(connection) ?? shardOf(connection);
  shards.set(connection, shard);
  return shard;
};

const memoryTokens = (run: Run, { tokens }: MemoryTables): TokenStore => {
  return {
    get: connection => run('tokens.get', () => tokens.get(connection)),
    publish: token =>
      run('tokens.publish', () => {
        const there = tokens.get(token.connection);
        if (there && there.version >= token.version) {
          return there.version === token.version && there.accessToken === token.accessToken;
        }
        tokens.set(token.connection, stored(token));
        return true;
      }),
    withdraw: (connection, upTo) =>
      run('tokens.withdraw', () => {
        const there = tokens.get(connection);
        if (there && there.version <= upTo) tokens.delete(connection);
      }),
  };
};

/** The fields that a settlement does not change; `leaseUntil` ends with the claim. */
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

const memorySessions = (run: Run, { sessions }: MemoryTables): SessionStore => {
  return {
    get: connection => run('sessions.get', () => sessions.get(connection)),
    keep: (connection, mine, session) =>
      run('sessions.keep', () => {
        if ((sessions.get(connection)?.version ?? 0) > mine) return false;
        sessions.set(connection, stored({ version: mine, ...(session && { session }) }));
        return true;
      }),
    forget: (connection, upTo) =>
      run('sessions.forget', () => {
        if ((sessions.get(connection)?.version ?? 0) <= upTo) sessions.delete(connection);
      }),
  };
};

const memoryConnections = (run: Run, { records, ids, claims, waiters }: MemoryTables): ConnectionStore => {
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

const memoryLimits = (run: Run): LimitStore => {
  const limits = new Map<string, { state: LimitState; revision: number }>();
  return {
    write: (key, state, revision) =>
      run('limits.write', () => {
        const there = limits.get(key);
        if ((there?.revision ?? 0) !== revision) return there ?? { state: unused, revision: 0 };
        limits.set(key, stored({ state, revision: revision + 1 }));
        return undefined;
      }),
  };
};

const memoryLogins = (run: Run, { logins }: MemoryTables): LoginStore => {
  const keys = new Map<string, string>();
  return {
    key: (provider, proposed) =>
      run('logins.key', () => {
        const key = keys.get(provider) ?? proposed;
        keys.set(provider, key);
        return key;
      }),
    take: (login, by) =>
      run('logins.take', () => {
        const { state, by: other } = logins.get(login) ?? { state: { refused: [] } };
        if (other && other.until > by.at && other.id !== by.id) return undefined;
        logins.set(login, { state, by });
        return state;
      }),
    note: (login, id, state) =>
      run('logins.note', () => {
        const by = logins.get(login)?.by;
        if (by?.id !== id) return false;
        logins.set(login, { state: stored(state), by });
        return true;
      }),
    giveBack: (login, id, state) =>
      run('logins.giveBack', () => {
        if (logins.get(login)?.by?.id === id) logins.set(login, { state: stored(state) });
      }),
  };
};

interface MemorySecret {
  readonly arn: string;
  readonly value?: SecretValue;
  readonly deleted: boolean;
}

const memorySecrets = (run: Run): SecretSource & SecretAdmin => {
  const secrets = new Map<string, MemorySecret>();
  let versions = 0;
  let marks = 0;
  /** The end of an ARN: six unique characters. */
  const nextMark = (): string => {
    marks += 1;
    return `${marks}`.padStart(6, '0');
  };
  const nextId = (): string => {
    versions += 1;
    return `version-${versions}`;
  };
  const idOf = (chosen: SecretVersion): string => chosen.slice(chosen.indexOf(':') + 1);
  const mark = (name: string, deleted: boolean): void => {
    const secret = secrets.get(name);
    if (!secret) throw new Error(`there is no secret ${name}`);
    secrets.set(name, { ...secret, deleted });
  };
  const living = (name: string): MemorySecret | undefined => {
    const secret = secrets.get(name);
    return secret?.deleted ? undefined : secret;
  };
  return {
    get: name => run('secrets.get', () => living(name)?.value),
    list: prefix =>
      run('secrets.list', () =>
        [...secrets]
          .filter(([name, { deleted }]) => name.startsWith(prefix) && !deleted)
          .map(([name, { value }]) => ({ name, ...(value && { version: value.version }) })),
      ),
    put: async (name, text, chosen) => {
      const arn = secrets.get(name)?.arn ?? `arn-${nextMark()}`;
      const id = chosen === undefined ? nextId() : idOf(chosen);
      const value = text === undefined ? undefined : { arn, version: versionOf(arn, id), text };
      secrets.set(name, { arn, ...(value && { value }), deleted: false });
    },
    erase: async name => void secrets.delete(name),
    delete: async name => mark(name, true),
    restore: async name => mark(name, false),
  };
};

/** Every store in memory, with the semantics of the real ones. Every call reads `hooks`. */
export const memoryStores = (hooks: Hooks = {}, tables: MemoryTables = emptyTables()): Stores => {
  const run = runner(hooks);
  return {
    tokens: memoryTokens(run, tables),
    connections: memoryConnections(run, tables),
    sessions: memorySessions(run, tables),
    limits: memoryLimits(run),
    logins: memoryLogins(run, tables),
    secrets: memorySecrets(run),
  };
};
