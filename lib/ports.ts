import type { LoginState } from './core/login.ts';
import type { Assertion, HttpReply, HttpRequest, RateLimit } from './core/provider.ts';
import type { Lane, LimitState } from './core/rate-limit.ts';
import type { Settlement } from './core/settle.ts';
import type {
  Connection,
  ConnectionId,
  EpochMs,
  Listed,
  Milliseconds,
  Reported,
  SecretNote,
  SecretVersion,
  Session,
  Token,
  Version,
} from './core/types.ts';

/**
 * What the core needs from outside. Every port has a real adapter, and all adapters of a port pass the same contract
 * tests.
 */

export interface Clock {
  now(): EpochMs;
  /** Returns at once if `signal` is aborted. */
  sleep(duration: Milliseconds, signal?: AbortSignal): Promise<void>;
}

/** Sends one request, follows no redirect, gives up after `deadline`. Never throws. */
export type SendHttp = (request: HttpRequest, deadline: Milliseconds) => Promise<HttpReply>;

/** Signs a client assertion (RFC 7523 §3), issued now. */
export type SignAssertion = (assertion: Assertion, now: EpochMs) => Promise<string>;

/**
 * The table `Tokens`: the public contract. Every method throws a `RefresherError` (`store_failed`) if the table does
 * not answer.
 */
export interface TokenStore {
  /** Strongly consistent. */
  get(connection: ConnectionId): Promise<Token | undefined>;
  /** Writes the whole token unless the table holds the same or a newer version. False: it holds a newer one. */
  publish(token: Token): Promise<boolean>;
  /** Deletes the token if its version is not newer than `upTo`. */
  withdraw(connection: ConnectionId, upTo: Version): Promise<void>;
}

/** What a list of connections shows. */
export type ConnectionSummary = Pick<
  Connection,
  | 'connection'
  | 'status'
  | 'dueAt'
  | 'issuedAt'
  | 'expiresAt'
  | 'failures'
  | 'failingSince'
  | 'lastError'
  | 'retiredAt'
  | 'session'
  | 'labels'
>;

/** A part of a shard, sorted by id. */
export interface Page {
  readonly connections: readonly ConnectionSummary[];
  /** Where the next page begins, if there may be one. */
  readonly next?: string;
}

/** How a claim marks a connection. */
export interface Claim {
  /** Unique to this claim: if its answer was lost, the claim can still be recognised. */
  readonly id: string;
  readonly leaseUntil: EpochMs;
  /** Set if a consumer forced the refresh. */
  readonly forcedAt?: EpochMs;
}

export type { Settlement };

/** How a retired connection comes back, and the note of its secret. */
export interface Revival extends SecretNote {
  readonly at: EpochMs;
  /** The state that it must still have: `ended` if nothing of the earlier connection may be left. */
  readonly from: 'retired' | 'ended';
}

/** The table `Connections`, private to the refreshers. Throws like `TokenStore`. */
export interface ConnectionStore {
  /** Every connection of a shard, including retired ones. May lag by a second or so: a claim notices. */
  list(provider: string, shard: number): Promise<Listed[]>;
  /** At most `limit` connections of a shard with ids after `after`, including retired ones. May lag like `list`. */
  page(provider: string, shard: number, from: { readonly after: string; readonly limit: number }): Promise<Page>;
  /** Strongly consistent. */
  get(connection: ConnectionId): Promise<Connection | undefined>;
  /** Adds a new connection. False: it exists already. */
  add(connection: Connection): Promise<boolean>;
  /**
   * Sets `version + 1` and `dueAt = leaseUntil` if `version` and `dueAt` are those of `before` and the connection is not
   * retired. Returns the updated record, or undefined if another worker was first.
   */
  claim(before: Pick<Connection, 'connection' | 'version' | 'dueAt'>, claim: Claim): Promise<Connection | undefined>;
  /**
   * Counts one more request that waits for the worker with the lease. False: `most` are waiting already, or `version`
   * is another one. A claim and its settle reset the count to zero.
   */
  join(connection: ConnectionId, known: Version, most: number): Promise<boolean>;
  /** Ends the claim, if `version` is still mine and the connection is not retired. */
  settle(connection: ConnectionId, mine: Version, settlement: Settlement): Promise<boolean>;
  /** Sets a higher version, `to`, if `version` is still mine and the connection is not retired. */
  raise(connection: ConnectionId, mine: Version, to: Version): Promise<boolean>;
  /** Notes the existing version of the secret and its contents; changes nothing that a running refresh writes. */
  noteSecret(connection: ConnectionId, note: SecretNote): Promise<void>;
  /** Notes what was reported about a connection; changes nothing that a running refresh writes. */
  noteReported(connection: ConnectionId, reported: Reported): Promise<void>;
  /** Marks a connection whose secret is gone: its end is due after `GRACE`. */
  retire(connection: ConnectionId, at: EpochMs): Promise<void>;
  /**
   * Marks a connection once whose name another secret has taken: retired and due at once; the new one waits for its
   * end.
   */
  replace(connection: ConnectionId, at: EpochMs): Promise<void>;
  /**
   * Removes these marks if the connection is still retired, and `ended` if `from` says so: due at once, under a new
   * version. If its end has begun, it comes back without session, lease and token times; otherwise with all of them.
   */
  revive(connection: ConnectionId, how: Revival): Promise<void>;
  /**
   * Begins to end a retired connection if its end is due or has begun before: due again at `dueAt`, and not ended yet.
   * Returns the updated record, or undefined if the connection must not be ended any more.
   */
  beginEnd(
    connection: ConnectionId,
    how: { readonly at: EpochMs; readonly dueAt: EpochMs },
  ): Promise<Connection | undefined>;
  /** Marks a retired connection as ended, if it still has this version. */
  end(connection: ConnectionId, last: Version, at: EpochMs): Promise<void>;
  /** Deletes the record if it is still retired and has this version. */
  remove(connection: ConnectionId, last: Version): Promise<void>;
}

/** A session as it is stored. An item without a session marks the one before it as spent. */
export interface StoredSession {
  readonly version: Version;
  readonly session?: Session;
}

/** The sessions of connections, which only the provider's `refresh` can access. Throws like `TokenStore`. */
export interface SessionStore {
  /** Strongly consistent. */
  get(connection: ConnectionId): Promise<StoredSession | undefined>;
  /** Stores a session, or that there is none, unless a newer version is stored. False: a newer one is. */
  keep(connection: ConnectionId, mine: Version, session: Session | undefined): Promise<boolean>;
  /** Deletes the item if its version is not newer than `upTo`. */
  forget(connection: ConnectionId, upTo: Version): Promise<void>;
}

/** How a login is reserved: `id` is unique to one try. */
export interface Take {
  readonly id: string;
  readonly at: EpochMs;
  /** The login is free again at this time, even if the process with it crashes. */
  readonly until: EpochMs;
}

/** The logins that wrong tries may lock, which only the provider's `refresh` can access. Throws like `TokenStore`. */
export interface LoginStore {
  /** The key of a provider's fingerprints: the stored one, or `proposed` if there is none. */
  key(provider: string, proposed: string): Promise<string>;
  /** Reserves a login: no other process tries it meanwhile. Undefined: another process holds it. */
  take(login: string, by: Take): Promise<LoginState | undefined>;
  /**
   * Stores the state that applies if the outcome of this try is never stored. False: `id` no longer holds the login.
   */
  note(login: string, id: string, state: LoginState): Promise<boolean>;
  /** Releases the login with its new state, if `id` still holds it. */
  giveBack(login: string, id: string, state: LoginState): Promise<void>;
}

/** Keeps calls of token endpoints within their rate limits, over all processes. A key begins with the provider's id. */
export interface RateLimiter {
  /** The earliest free slot for one call, if it is not later than `until`. The caller sends at `at`, not earlier. */
  reserve(
    key: string,
    limit: RateLimit,
    request: { readonly lane: Lane; readonly until: EpochMs },
  ): Promise<{ readonly ok: true; readonly at: EpochMs } | { readonly ok: false; readonly retryAt: EpochMs }>;
  /** The provider answered 429: no call before `until`. */
  pause(key: string, limit: RateLimit, until: EpochMs): Promise<void>;
  /** The end of the last pause that this process noted: slots before it must not be used. */
  pausedUntil(key: string): EpochMs;
}

/** Stores the states of rate limits. Throws like `TokenStore`. */
export interface LimitStore {
  /** Writes a state if the stored revision is `revision` (0: none is stored); otherwise returns the stored one. */
  write(
    key: string,
    state: LimitState,
    revision: number,
  ): Promise<{ readonly state: LimitState; readonly revision: number } | undefined>;
}

export interface SecretValue {
  /** Unlike the name, it is never given to a second secret. */
  readonly arn: string;
  readonly version: SecretVersion;
  readonly text: string;
}

export interface SecretListing {
  readonly name: string;
  /** The id of the current version; absent if the secret has no value yet. */
  readonly version?: SecretVersion;
}

/**
 * The secret store. `get` returns undefined if the secret does not exist, is scheduled for deletion or has no value.
 * Both methods throw a `RefresherError` (`secret_unreadable`) if the store does not answer or refuses.
 */
export interface SecretSource {
  get(name: string): Promise<SecretValue | undefined>;
  list(prefix: string): Promise<SecretListing[]>;
}
