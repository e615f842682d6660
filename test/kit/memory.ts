import { type LimitState, unused } from '../../lib/core/rate-limit.ts';
import type { LimitStore, LoginStore, SessionStore, TokenStore } from '../../lib/ports.ts';

import { memoryConnections } from './memory-connections.ts';
import { memorySecrets } from './memory-secrets.ts';
import {
  type EffectRunner,
  emptyTables,
  type Hooks,
  type MemoryTables,
  runner,
  type Stores,
  stored,
} from './memory-tables.ts';

export { emptyTables, type Hooks, type MemoryTables, type SecretAdmin, type Stores } from './memory-tables.ts';

const memoryTokens = (run: EffectRunner, { tokens }: MemoryTables): TokenStore => {
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
const memorySessions = (run: EffectRunner, { sessions }: MemoryTables): SessionStore => {
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

const memoryLimits = (run: EffectRunner): LimitStore => {
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

const memoryLogins = (run: EffectRunner, { logins }: MemoryTables): LoginStore => {
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
