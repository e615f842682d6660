import { type Choice, fingerprint, type HeldSession, mayHoldSession } from '../core/decide.ts';
import { type ErrorCode, RefresherError } from '../core/errors.ts';
import { fails } from '../core/fair.ts';
import {
  type Exchange,
  type Granted,
  interpret,
  interpretFirstStep,
  type Outcome,
  retryAfterIn,
} from '../core/interpret.ts';
import { callDeadlineOf, type Policy, runDeadlineOf, slotPatienceOf } from '../core/policy.ts';
import type { Account, Grant, HttpReply, HttpRequest, Provider } from '../core/provider.ts';
import type { Lane } from '../core/rate-limit.ts';
import { isRejection, type Tried, type Trouble } from '../core/settle.ts';
import {
  type Connection,
  type EpochMs,
  epochMs,
  type Listed,
  type Milliseconds,
  plus,
  type Session,
  type SessionNote,
  type Token,
  type Version,
} from '../core/types.ts';
import type { Clock, RateLimiter, SendHttp, SessionStore, SignAssertion, TokenStore } from '../ports.ts';
import type { CredentialCache, Credentials } from './credentials.ts';
import type { Logins } from './logins.ts';

/** What a run leaves if it got no token. */
interface Left {
  /** The session that stays, as the record notes it. */
  readonly session: SessionNote | undefined;
  /** These credentials may not use it. */
  readonly isForeign: boolean;
  /** The stored session must not be used again. */
  readonly forgetSession: boolean;
  readonly redeemedCode?: string;
  readonly calls: number;
}

/** The result of the calls of one run, with all that the commit needs to know. */
export type Obtained =
  | {
      readonly kind: 'granted';
      readonly granted: Granted;
      readonly grant: { readonly kind: Grant; readonly only: boolean };
      readonly credentials: Credentials;
      readonly calls: number;
    }
  | ({ readonly kind: 'failed'; readonly trouble: Trouble; readonly tried?: Tried } & Left)
  /** There is no slot of the rate limit in time, or others are using the login. `exhausted`: the limit. */
  | ({
      readonly kind: 'postponed';
      readonly until: EpochMs;
      readonly code: ErrorCode;
      readonly exhausted?: string;
    } & Left)
  /** The secret has changed, but nothing of this connection, which is not due. */
  | ({ readonly kind: 'unchanged'; readonly tried: Tried } & Left);

type Failed = Extract<Obtained, { kind: 'failed' }>;
type Postponed = { readonly kind: 'postponed'; readonly until: EpochMs; readonly code: ErrorCode };
type Retry = { readonly kind: 'retry'; readonly code: 'timeout' | 'store_failed' };

export interface ObtainDeps {
  readonly clock: Clock;
  readonly send: SendHttp;
  readonly sign: SignAssertion;
  readonly limiter: RateLimiter;
  readonly sessions: SessionStore;
  readonly tokens: Pick<TokenStore, 'get'>;
  readonly logins: Logins;
  readonly credentials: CredentialCache;
  readonly policy: Policy;
}

/** With less time than this left in a run no call is begun. */
const USEFUL_TIME = 1000;
export type Attempted = Outcome | Postponed;

/** Why a connection is refreshed. `missing`: its token is not there. `operator`: a person wants it, whatever is known. */
export type Cause = 'scheduled' | 'asked' | 'missing' | 'forced' | 'operator';

/** Failing connections and calls on demand share a minority of a rate limit; the rest belongs to the schedule. */
export const laneOf = (seen: Listed, cause: Cause): Lane =>
  cause === 'scheduled' && !fails(seen) ? 'scheduled' : 'minority';

export const limitAndLane = (limitKey: string, lane: Lane): string => `${limitKey} ${lane}`;
export type Asking = Exclude<Choice, { grant: 'none' }>;

/** The calls of one run: counted, within the rate limit, and all before one deadline. */
export class Run {
  readonly deps: ObtainDeps;
  readonly provider: Provider;
  /** The record as it was before this run claimed it. */
  readonly seen: Connection;
  readonly cause: Cause;
  #until: EpochMs;
  /** No call lasts longer: then the time of the commit begins. */
  readonly #end: EpochMs;
  #lane: Lane;
  #waited: Milliseconds = 0;
  calls = 0;
  /** The stored session, if it is bound to the credentials of this run. */
  held: { readonly version: Version; readonly session: Session } | undefined;
  /** A session is stored that these credentials may not use. It stays until a grant brings another: an edit may be undone. */
  foreign: SessionNote | undefined;
  /** A refresh token was sent that no login can replace, and that may have been spent before. */
  replayed = false;
  /** An operator insisted on a login that was refused before. */
  overruled = false;
  /** The login was not sent, because it was refused before. */
  isHeldBack = false;
  /** The published token, if a session was looked for. */
  published: Token | undefined;
  /** A refresh token was sent, and its answer is not known yet. */
  #sent: { readonly only: boolean } | undefined;
  #note: SessionNote | undefined;

  constructor(deps: ObtainDeps, provider: Provider, seen: Connection, cause: Cause, startedAt: EpochMs) {
    const { policy } = deps;
    this.deps = deps;
    this.provider = provider;
    this.seen = seen;
    this.cause = cause;
    this.#until = plus(startedAt, runDeadlineOf(policy, provider));
    this.#end = plus(startedAt, policy.lease - policy.commit);
    this.#lane = laneOf(seen, cause);
    this.#note = seen.session;
  }

  /** Loads the session, if there may be one. Rejects as the stores do. */
  async loadSession({ account, binding }: Credentials): Promise<HeldSession | undefined> {
    const { seen } = this;
    const mayHold = account.refresh !== undefined && mayHoldSession(seen);
    if (mayHold || account.oneTimeCode !== undefined) this.published = await this.deps.tokens.get(seen.connection);
    if (!mayHold) return undefined;
    const stored = await this.deps.sessions.get(seen.connection);
    this.#note = undefined;
    const lost = seen.session !== undefined && (stored?.version ?? 0) < seen.session.version;
    if (!stored?.session || lost) return undefined;
    const { version, session } = stored;
    const wasAbandoned = seen.leaseUntil !== undefined;
    // The version of a claim is one more than it found: this is the one before.
    const isUnspent = !wasAbandoned || version >= seen.version - 1;
    const mayBeSpent = this.#isOlderThanToken(version) || !isUnspent || seen.session?.inDoubt === true;
    const isLeft = version > (seen.session?.version ?? 0);
    const isForeign = session.binding !== binding;
    this.#note = {
      version,
      ...(session.endsAt !== undefined && { endsAt: session.endsAt }),
      ...(mayBeSpent && (isForeign || account.oneTimeCode !== undefined) && { inDoubt: true }),
    };
    if (isForeign) {
      this.foreign = this.#note;
      return undefined;
    }
    this.held = { version, session };
    return { session, isLeft, mayBeSpent };
  }

  /**
   * The record does not know of the published token, and that is newer than the session: both are an earlier state of
   * their table. The versions of record and token do not tell: each claim since has added one.
   */
  #isOlderThanToken(session: Version | undefined): boolean {
    const { published, seen } = this;
    return published !== undefined && published.issuedAt !== seen.issuedAt && published.version > (session ?? 0);
  }

  /** Whether a code was redeemed that the record, from an earlier state of the table, does not know of. */
  isCodeSpent({ account }: Credentials, held: HeldSession | undefined): boolean {
    const bound = account.oneTimeCode !== undefined && !this.foreign;
    return bound && !held && this.#isOlderThanToken(undefined);
  }

  async attempt(credentials: Credentials, asking: Asking): Promise<Attempted> {
    const { account } = credentials;
    if (asking.grant === 'full') return this.#guarded(credentials);
    const request = account.refresh?.(asking.refreshToken, await this.#signed(account));
    if (!request) return { kind: 'refused', code: 'session_refused' };
    // Nobody else can bring back what a lost answer takes: it is waited for as long as the lease allows.
    if (asking.only) this.#until = this.#end;
    return this.#ask({ provider: this.provider, account, grant: 'refresh' }, request, interpret, asking);
  }

  /** A login that wrong tries may lock is tried by one at a time. */
  async #guarded(credentials: Credentials): Promise<Attempted> {
    const { account, fingerprint } = credentials;
    if (!account.login) return this.#logIn(account);
    const { clock, logins, policy, credentials: cache } = this.deps;
    const { seen } = this;
    const worked = seen.credentials === fingerprint && seen.expiresAt !== undefined;
    const from = clock.now();
    this.isHeldBack = true;
    try {
      const login = await cache.fingerprint(this.provider, account.login.text);
      return await logins.attempt(
        account.login.key,
        { login, credentials: fingerprint, worked },
        {
          until: plus(from, slotPatienceOf(policy, this.provider) - this.#waited),
          insists: this.cause === 'operator',
          onOverruled: () => {
            this.overruled = true;
          },
          logIn: () => {
            this.isHeldBack = false;
            this.#hasWaited(clock.now() - from);
            return this.#logIn(account);
          },
        },
      );
    } catch (error) {
      if (!(error instanceof RefresherError)) throw error;
      this.isHeldBack = false;
      return { kind: 'retry', code: error.code };
    }
  }

  /** After a refresh grant that worked, and had been rejected for minutes: whatever rejected it rejected the login, too. */
  async releaseLogin({ account }: Credentials): Promise<void> {
    const { logins, credentials: cache } = this.deps;
    const { status, lastError } = this.seen;
    if (!account.login || status !== 'attention' || !isRejection(lastError?.code)) return;
    await logins.release(account.login.key, await cache.fingerprint(this.provider, account.login.text));
  }

  async #logIn(account: Account): Promise<Attempted> {
    const exchange = { provider: this.provider, account, grant: 'full' } as const;
    const request = account.logIn(await this.#signed(account));
    if (!account.exchange) return this.#ask(exchange, request, interpret);
    const next = { ...exchange, assertion: await this.#signed(account) };
    const first = await this.#ask(next, request, interpretFirstStep);
    if (first.kind !== 'next') return first;
    // A login that has begun is worth finishing: its first step would be sent once more otherwise.
    this.#lane = 'scheduled';
    return this.#ask(exchange, first.request, interpret);
  }

  /** Each request has its own: a provider may take one only once. */
  async #signed({ assertion }: Account): Promise<string | undefined> {
    return assertion && this.deps.sign(assertion, this.deps.clock.now());
  }

  async #ask<T extends { kind: string }>(
    exchange: Omit<Exchange, 'sentAt'>,
    request: HttpRequest,
    read: (exchange: Exchange, reply: Awaited<ReturnType<SendHttp>>) => T,
    refresh?: { readonly only: boolean },
  ): Promise<T | Retry | Postponed> {
    const { limitKey } = exchange.account;
    const slot = await this.#slot(limitKey);
    if (slot) return slot;
    const first = await this.#send(request, refresh);
    if (!first) return { kind: 'retry', code: 'timeout' };
    // Refused for the rate limit alone, which others may use too: asked once more if there is a slot in time.
    const again = (await this.#isPaused(limitKey, first.reply)) && !(await this.#slot(limitKey));
    const { sentAt, reply } = (again && (await this.#send(request, refresh))) || first;
    return read({ ...exchange, sentAt }, reply);
  }

  /** Nothing if no time is left. */
  async #send(
    request: HttpRequest,
    refresh?: { readonly only: boolean },
  ): Promise<{ sentAt: EpochMs; reply: HttpReply } | undefined> {
    const { clock, policy, send } = this.deps;
    // Taken before the request is sent: a token may be thought older than it is, never younger.
    const sentAt = clock.now();
    const left = this.#until - sentAt;
    if (left < USEFUL_TIME) return undefined;
    this.calls += 1;
    this.#sent ??= refresh;
    if (refresh?.only && this.#note?.inDoubt) this.replayed = true;
    const deadline = refresh?.only ? left : Math.min(callDeadlineOf(policy, this.provider), left);
    return { sentAt, reply: await send(request, deadline) };
  }

  /** Waits for a slot of the rate limit. One that is too far off postpones the run. */
  async #slot(key: string): Promise<Retry | Postponed | undefined> {
    const { rateLimit } = this.provider;
    if (!rateLimit) return undefined;
    const { clock, limiter, policy } = this.deps;
    try {
      const from = clock.now();
      const until = plus(from, slotPatienceOf(policy, this.provider) - this.#waited);
      if (this.#until - from < USEFUL_TIME) return { kind: 'retry', code: 'timeout' };
      for (;;) {
        const slot = await limiter.reserve(key, rateLimit, { lane: this.#lane, until });
        const at = slot.ok ? slot.at : slot.retryAt;
        if (at > until) return { kind: 'postponed', until: at, code: 'budget_used' };
        if (at > clock.now()) await clock.sleep(at - clock.now());
        const paused = limiter.pausedUntil(key) > clock.now();
        if (slot.ok && !paused) return this.#hasWaited(clock.now() - from);
      }
    } catch {
      return { kind: 'retry', code: 'store_failed' };
    }
  }

  /** The time for calls begins with the slot: a run that waited is not shorter for it. */
  #hasWaited(duration: Milliseconds): undefined {
    this.#waited += duration;
    this.#until = epochMs(Math.min(this.#until + duration, this.#end));
  }

  /** Whether the provider refused a call for the rate limit: then nobody calls before it says so. */
  async #isPaused(key: string, reply: HttpReply): Promise<boolean> {
    const { rateLimit } = this.provider;
    if (!rateLimit || reply.kind !== 'answer' || reply.status !== 429) return false;
    const now = this.deps.clock.now();
    const { retryAfter = rateLimit.per } = retryAfterIn(reply.headers, now);
    // The answer counts, whether or not the others hear of it.
    await this.deps.limiter.pause(key, rateLimit, plus(now, retryAfter)).catch(() => {});
    return true;
  }

  concluded(outcome: Attempted, credentials: Credentials, asked: Asking, dropSession: boolean): Obtained {
    if (outcome.kind === 'granted') {
      const grant = { kind: asked.grant, only: asked.grant === 'refresh' && asked.only };
      return { kind: 'granted', granted: outcome, grant, credentials, calls: this.calls };
    }
    const { oneTimeCode } = credentials.account;
    const only = asked.grant === 'refresh' && asked.only && oneTimeCode !== undefined;
    const redeemed = only ? { redeemedCode: fingerprint(oneTimeCode) } : {};
    if (outcome.kind === 'postponed') {
      const limit = limitAndLane(credentials.account.limitKey, this.#lane);
      const exhausted = outcome.code === 'budget_used' ? { exhausted: limit } : {};
      return { ...outcome, ...exhausted, ...this.#left(dropSession), ...redeemed };
    }
    if (outcome.kind === 'unknown' && asked.grant === 'refresh' && asked.only) this.#doubt();
    return { ...this.failed(outcome, triedWith(credentials), dropSession), ...redeemed };
  }

  failed(trouble: Trouble, tried: Tried | undefined, dropSession: boolean): Failed {
    return { kind: 'failed', trouble, ...(tried && { tried }), ...this.#left(dropSession) };
  }

  unchanged(tried: Tried): Obtained {
    return { kind: 'unchanged', tried, ...this.#left(false) };
  }

  /** A bug: nobody knows how far the run came. */
  broken(): Failed {
    if (this.#sent?.only) this.#doubt();
    return this.failed({ kind: 'unknown', code: 'internal_error' }, undefined, this.#sent?.only === false);
  }

  #doubt(): void {
    if (this.#note) this.#note = { ...this.#note, inDoubt: true };
  }

  #left(dropSession: boolean): Left {
    const session = dropSession ? undefined : this.#note;
    return { session, isForeign: this.foreign !== undefined, forgetSession: dropSession, calls: this.calls };
  }
}

export const triedWith = ({ version, fingerprint }: Credentials): Tried => ({ version, fingerprint });
