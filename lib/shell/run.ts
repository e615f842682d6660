import { type Choice, fingerprint, mayHoldSession } from '../core/decide.ts';
import { fails } from '../core/fair.ts';
import {
  type Exchange,
  type Granted,
  interpret,
  interpretFirstStep,
  type Outcome,
  retryAfterIn,
} from '../core/interpret.ts';
import { callDeadlineOf, type Policy, slotPatienceOf } from '../core/policy.ts';
import type { Grant, HttpReply, HttpRequest, Provider } from '../core/provider.ts';
import type { Lane } from '../core/rate-limit.ts';
import type { Trouble } from '../core/settle.ts';
import {
  type Connection,
  type EpochMs,
  type Listed,
  type Milliseconds,
  plus,
  type SecretVersion,
  type Session,
  type SessionNote,
  type Version,
} from '../core/types.ts';
import type { CredentialCache, Credentials } from './credentials.ts';
import type { Clock, RateLimiter, SendHttp, SessionStore } from './ports.ts';

/** What a run leaves if it got no token. */
interface Left {
  /** The session that stays, as the record notes it. */
  readonly session: SessionNote | undefined;
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
  | ({ readonly kind: 'failed'; readonly trouble: Trouble; readonly secretVersion?: SecretVersion } & Left)
  /** The rate limit has no slot in time: no call was made. */
  | ({ readonly kind: 'postponed'; readonly until: EpochMs; readonly exhausted: string } & Left);

type Failed = Extract<Obtained, { kind: 'failed' }>;
type Postponed = { readonly kind: 'postponed'; readonly until: EpochMs };
type Retry = { readonly kind: 'retry'; readonly code: 'timeout' | 'store_failed' };

export interface ObtainDeps {
  readonly clock: Clock;
  readonly send: SendHttp;
  readonly limiter: RateLimiter;
  readonly sessions: SessionStore;
  readonly credentials: CredentialCache;
  readonly policy: Policy;
}

/** With less time than this left in a run no call is begun. */
const USEFUL_TIME = 1000;
export type Attempted = Outcome | Postponed;

/** Why a connection is refreshed. */
export type Cause = 'scheduled' | 'asked' | 'forced';

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
  #until: EpochMs;
  readonly #lane: Lane;
  #waited: Milliseconds = 0;
  calls = 0;
  /** The stored session, if it is bound to the credentials of this run. */
  held: { readonly version: Version; readonly session: Session } | undefined;
  /** A session is stored that these credentials may not use. */
  foreignSession = false;
  /** A refresh token that a login can replace was sent, and its answer is not known yet. */
  #inDoubt = false;
  #note: SessionNote | undefined;

  constructor(deps: ObtainDeps, provider: Provider, seen: Connection, cause: Cause, until: EpochMs) {
    this.deps = deps;
    this.provider = provider;
    this.seen = seen;
    this.#until = until;
    this.#lane = laneOf(seen, cause);
    this.#note = seen.session;
  }

  /** Loads the session, if there may be one. Throws as the store does. */
  async loadSession({ account, binding }: Credentials): Promise<Session | undefined> {
    if (!account.refresh || !mayHoldSession(this.seen)) return undefined;
    const stored = await this.deps.sessions.get(this.seen.connection);
    this.#note = undefined;
    const lost = this.seen.session !== undefined && (stored?.version ?? 0) < this.seen.session.version;
    if (!stored?.session || lost) return undefined;
    const { version, session } = stored;
    this.foreignSession = session.binding !== binding;
    if (this.foreignSession) return undefined;
    this.held = { version, session };
    this.#note = { version, ...(session.endsAt !== undefined && { endsAt: session.endsAt }) };
    return session;
  }

  async attempt(credentials: Credentials, asking: Asking): Promise<Attempted> {
    const { account } = credentials;
    const exchange = { provider: this.provider, account, grant: asking.grant };
    if (asking.grant === 'refresh') {
      const request = account.refresh?.(asking.refreshToken);
      if (!request) return { kind: 'refused', code: 'session_refused' };
      return this.#ask(exchange, request, interpret, !asking.only);
    }
    if (!account.exchange) return this.#ask(exchange, account.logIn(), interpret);
    const first = await this.#ask(exchange, account.logIn(), interpretFirstStep);
    return first.kind === 'next' ? this.#ask(exchange, first.request, interpret) : first;
  }

  async #ask<T extends { kind: string }>(
    exchange: Omit<Exchange, 'sentAt'>,
    request: HttpRequest,
    read: (exchange: Exchange, reply: Awaited<ReturnType<SendHttp>>) => T,
    inDoubt = false,
  ): Promise<T | Retry | Postponed> {
    const { limitKey } = exchange.account;
    const slot = await this.#slot(limitKey);
    if (slot) return slot;
    const first = await this.#send(request, inDoubt);
    if (!first) return { kind: 'retry', code: 'timeout' };
    // Refused for the rate limit alone, which others may use too: asked once more if there is a slot in time.
    const again = (await this.#isPaused(limitKey, first.reply)) && !(await this.#slot(limitKey));
    const { sentAt, reply } = (again && (await this.#send(request, inDoubt))) || first;
    return read({ ...exchange, sentAt }, reply);
  }

  /** Nothing if no time is left. */
  async #send(request: HttpRequest, inDoubt: boolean): Promise<{ sentAt: EpochMs; reply: HttpReply } | undefined> {
    const { clock, policy, send } = this.deps;
    // Taken before the request is sent: a token may be thought older than it is, never younger.
    const sentAt = clock.now();
    const left = this.#until - sentAt;
    if (left < USEFUL_TIME) return undefined;
    this.calls += 1;
    this.#inDoubt ||= inDoubt;
    return { sentAt, reply: await send(request, Math.min(callDeadlineOf(policy, this.provider), left)) };
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
        if (at > until) return { kind: 'postponed', until: at };
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
    this.#until = plus(this.#until, duration);
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
      const exhausted = limitAndLane(credentials.account.limitKey, this.#lane);
      return { kind: 'postponed', until: outcome.until, exhausted, ...this.#left(dropSession), ...redeemed };
    }
    return { ...this.failed(outcome, credentials.version, dropSession), ...redeemed };
  }

  failed(trouble: Trouble, secretVersion: SecretVersion | undefined, dropSession: boolean): Failed {
    const used = secretVersion === undefined ? {} : { secretVersion };
    return { kind: 'failed', trouble, ...used, ...this.#left(dropSession) };
  }

  /** A bug: nobody knows how far the run came. */
  broken(): Failed {
    return this.failed({ kind: 'unknown', code: 'internal_error' }, undefined, this.#inDoubt);
  }

  #left(dropSession: boolean): Left {
    const forgetSession = dropSession || this.foreignSession;
    return { session: forgetSession ? undefined : this.#note, forgetSession, calls: this.calls };
  }
}
