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

/** What the shell needs of the world. Every one of these has a real adapter, and every adapter the same contract tests. */

export interface Clock {
  now(): EpochMs;
  /** Wakes at once where `signal` is aborted. */
  sleep(duration: Milliseconds, signal?: AbortSignal): Promise<void>;
}

/** Sends one request, follows no redirect, gives up at `deadline` after it was called. Never throws. */
export type SendHttp = (request: HttpRequest, deadline: Milliseconds) => Promise<HttpReply>;

/** Signs what a client asserts of itself (RFC 7523 §3), as of now. */
export type SignAssertion = (assertion: Assertion, now: EpochMs) => Promise<string>;

/**
 * The table `Tokens`: the public contract. Every method throws a `RefresherError` (`store_failed`) where the table
 * does not answer.
 */
export interface TokenStore {
  /** Strongly consistent. */
  get(connection: ConnectionId): Promise<Token | undefined>;
  /** Writes the whole token if no token of the same or a newer version is there. False: a newer one was. */
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

/** A part of a shard, in the order of ids. */
export interface Page {
  readonly connections: readonly ConnectionSummary[];
  /** Where the next page begins, if there may be one. */
  readonly next?: string;
}

/** How a claim marks a connection. */
export interface Claim {
  /** Unique to this claim, so that a claim whose answer was lost is known again as one's own. */
  readonly id: string;
  readonly leaseUntil: EpochMs;
  /** Set where a consumer forced the refresh. */
  readonly forcedAt?: EpochMs;
}

export type { Settlement };

/** How a retired connection comes back, and what is noted of its secret. */
export interface Revival extends SecretNote {
  readonly at: EpochMs;
  /** What it has to be still: `ended` if nothing of the connection before may be left. */
  readonly from: 'retired' | 'ended';
}

/** The table `Connections`, private to the refreshers. Throws like `TokenStore`. */
export interface ConnectionStore {
  /** Every connection of a shard, the retired too. May lag behind by a second or so: a claim finds out. */
  list(provider: string, shard: number): Promise<Listed[]>;
  /** At most `limit` connections of a shard with ids behind `after`, the retired too. May lag behind like `list`. */
  page(provider: string, shard: number, from: { readonly after: string; readonly limit: number }): Promise<Page>;
  /** Strongly consistent. */
  get(connection: ConnectionId): Promise<Connection | undefined>;
  /** A connection nobody knew. False: it is there already. */
  add(connection: Connection): Promise<boolean>;
  /**
   * `version + 1`, `dueAt = leaseUntil`, if `version` and `dueAt` are the ones seen and it is not retired. Answers the
   * record as it is then, or nothing where someone else was first.
   */
  claim(seen: Pick<Connection, 'connection' | 'version' | 'dueAt'>, claim: Claim): Promise<Connection | undefined>;
  /**
   * Counts one who waits for the worker that has the connection. False: `most` are waiting already, or `version` is not
   * the one seen. A claim and its settle begin again at zero.
   */
  join(connection: ConnectionId, seen: Version, most: number): Promise<boolean>;
  /** Ends the claim, if `version` is still mine and the connection is not retired. */
  settle(connection: ConnectionId, mine: Version, settlement: Settlement): Promise<boolean>;
  /** Sets a higher version, `to`, if `version` is still mine and the connection is not retired. */
  raise(connection: ConnectionId, mine: Version, to: Version): Promise<boolean>;
  /** Notes which version of the secret exists, and what it holds; touches nothing that a running refresh writes. */
  noteSecret(connection: ConnectionId, note: SecretNote): Promise<void>;
  /** Notes what people know about a connection; touches nothing that a running refresh writes. */
  noteReported(connection: ConnectionId, reported: Reported): Promise<void>;
  /** Marks a connection whose secret is gone: its end is due after `GRACE`. */
  retire(connection: ConnectionId, at: EpochMs): Promise<void>;
  /** Marks a connection, once, whose name another secret has taken: retired, due at once, and others wait for its end. */
  replace(connection: ConnectionId, at: EpochMs): Promise<void>;
  /**
   * Takes these marks back, if it is still retired, and `ended` if that is asked for: due at once, under a new version.
   * If its end has begun, it comes back without a session, a lease and knowledge of a token; otherwise with all of it.
   */
  revive(connection: ConnectionId, how: Revival): Promise<void>;
  /**
   * Begins to end a retired connection whose end is due, or has begun before: due again at `dueAt`, and not ended yet.
   * Answers the record as it is then, or nothing if that is not to be done any more.
   */
  beginEnd(
    connection: ConnectionId,
    how: { readonly at: EpochMs; readonly dueAt: EpochMs },
  ): Promise<Connection | undefined>;
  /** A retired connection has ended, if it still has this version. */
  end(connection: ConnectionId, last: Version, at: EpochMs): Promise<void>;
  /** Deletes the record if it is still retired and has this version. */
  remove(connection: ConnectionId, last: Version): Promise<void>;
}

/** A session as it is stored. An item without a session says that the one before it is spent. */
export interface StoredSession {
  readonly version: Version;
  readonly session?: Session;
}

/** The sessions of connections, which only the provider's `refresh` may reach. Throws like `TokenStore`. */
export interface SessionStore {
  /** Strongly consistent. */
  get(connection: ConnectionId): Promise<StoredSession | undefined>;
  /** Stores a session, or that there is none, if no newer version is there. False: a newer one was. */
  keep(connection: ConnectionId, mine: Version, session: Session | undefined): Promise<boolean>;
  /** Deletes the item if its version is not newer than `upTo`. */
  forget(connection: ConnectionId, upTo: Version): Promise<void>;
}

/** How a login is taken: `id` is unique to one try. */
export interface Take {
  readonly id: string;
  readonly at: EpochMs;
  /** It is free again then, whatever happens to whoever has it. */
  readonly until: EpochMs;
}

/** The logins that wrong tries may lock, which only the provider's `refresh` may reach. Throws like `TokenStore`. */
export interface LoginStore {
  /** The key of a provider's fingerprints: the one that is stored, `proposed` if there is none. */
  key(provider: string, proposed: string): Promise<string>;
  /** Takes a login, so that nobody else tries it meanwhile. Nothing: somebody has it. */
  take(login: string, by: Take): Promise<LoginState | undefined>;
  /** Stores what is to be known if nothing more is heard of this try. False: it is not taken by `id` any more. */
  note(login: string, id: string, state: LoginState): Promise<boolean>;
  /** Gives it back with what is known now, if it is still taken by `id`. */
  giveBack(login: string, id: string, state: LoginState): Promise<void>;
}

/** Keeps the calls of token endpoints within their rate limits, over all processes. A key begins with the provider's id. */
export interface RateLimiter {
  /** The earliest free slot for one call, if it is not later than `until`. The caller sends at `at`, not earlier. */
  reserve(
    key: string,
    limit: RateLimit,
    request: { readonly lane: Lane; readonly until: EpochMs },
  ): Promise<{ readonly ok: true; readonly at: EpochMs } | { readonly ok: false; readonly retryAt: EpochMs }>;
  /** The provider answered 429: no call before `until`. */
  pause(key: string, limit: RateLimit, until: EpochMs): Promise<void>;
  /** The end of the last pause that this process knows of: a slot before that is not to be used. */
  pausedUntil(key: string): EpochMs;
}

/** Keeps the states of rate limits. Throws like `TokenStore`. */
export interface LimitStore {
  /** Writes a state if `revision` is the one that is there (0: none is); otherwise answers what is there. */
  write(
    key: string,
    state: LimitState,
    revision: number,
  ): Promise<{ readonly state: LimitState; readonly revision: number } | undefined>;
}

export interface SecretValue {
  /** Unlike its name it is never given to a second secret. */
  readonly arn: string;
  readonly version: SecretVersion;
  readonly text: string;
}

export interface SecretListing {
  readonly name: string;
  /** The current version's id; nothing where the secret has no value yet. */
  readonly version?: SecretVersion;
}

/**
 * The secret store. `get` answers nothing where the secret does not exist, is scheduled for deletion or has no value;
 * both throw a `RefresherError` (`secret_unreadable`) where the store does not answer or refuses.
 */
export interface SecretSource {
  get(name: string): Promise<SecretValue | undefined>;
  list(prefix: string): Promise<SecretListing[]>;
}
