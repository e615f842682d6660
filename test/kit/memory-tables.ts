import type { LoginState } from '../../lib/core/login.ts';
import type { Connection, ConnectionId, SecretVersion, Token } from '../../lib/core/types.ts';
import type {
  ConnectionStore,
  LimitStore,
  LoginStore,
  SecretSource,
  SessionStore,
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

export type EffectRunner = <T>(operation: string, effect: () => T) => Promise<T>;

/** Every effect happens at once, between two hooks. */
export const runner =
  (hooks: Hooks): EffectRunner =>
  async (operation, effect) => {
    await hooks.before?.(operation);
    const answer = effect();
    await hooks.after?.(operation);
    return answer;
  };

/** Stored values are frozen copies: they can be returned without copying. */
export const stored = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(stored)) as T;
  const copy: Record<string, unknown> = {};
  for (const name in value) copy[name] = stored(value[name]);
  return Object.freeze(copy) as T;
};
