import { RefresherError } from '../core/errors.ts';
import { fails } from '../core/fair.ts';
import { type Exchange, interpret, interpretFirstStep, retryAfterIn } from '../core/interpret.ts';
import { callDeadlineOf, type Policy, runDeadlineOf, slotPatienceOf } from '../core/policy.ts';
import type { Account, HttpReply, HttpRequest, Provider } from '../core/provider.ts';
import type { Lane } from '../core/rate-limit.ts';
import { isRejection } from '../core/settle.ts';
import {
  type Connection,
  type EpochMs,
  epochMs,
  type Listed,
  type Milliseconds,
  plus,
  seconds,
} from '../core/types.ts';
import type { Clock, RateLimiter, SendHttp, SignAssertion } from '../ports.ts';
import type { CredentialCache, Credentials } from './credentials.ts';
import type { CallOutcome, Logins, Postponed } from './logins.ts';

export interface CallDeps {
  readonly clock: Clock;
  readonly send: SendHttp;
  readonly sign: SignAssertion;
  readonly limiter: RateLimiter;
  readonly logins: Logins;
  readonly credentials: CredentialCache;
  readonly policy: Policy;
}

/**
 * Why a connection is refreshed. `missing`: the published token is gone. `operator`: an operator wants a new token in
 * any case.
 */
export type Cause = 'scheduled' | 'requested' | 'missing' | 'forced' | 'operator';

type Retry = { readonly kind: 'retry'; readonly code: 'timeout' | 'store_failed' };

/** A refresh token that was sent. */
interface Sent {
  /** No login can replace it. */
  readonly irreplaceable: boolean;
}

/** No call begins with less time left than this. */
const USEFUL_TIME = seconds(1);

/** Failing connections and calls on demand share a minority of a rate limit; the rest belongs to the schedule. */
export const laneOf = (before: Listed, cause: Cause): Lane =>
  cause === 'scheduled' && !fails(before) ? 'scheduled' : 'minority';

export const limitAndLane = (limitKey: string, lane: Lane): string => `${limitKey} ${lane}`;

/** The calls of one run: counted, within the rate limit, and all before one deadline. */
export class Calls {
  readonly #deps: CallDeps;
  readonly #provider: Provider;
  readonly #before: Connection;
  readonly #cause: Cause;
  #until: EpochMs;
  /** All calls end by this time: then the time reserved for the commit begins. */
  readonly #end: EpochMs;
  #lane: Lane;
  #waited: Milliseconds = 0;
  count = 0;
  /** The first refresh token that was sent, if one was. */
  sent: Sent | undefined;
  /** The login was not sent, because an earlier try was refused. */
  isLoginHeldBack = false;
  /** An operator insisted on a login although an earlier try was refused. */
  overruled = false;

  constructor(deps: CallDeps, provider: Provider, before: Connection, cause: Cause, startedAt: EpochMs) {
    const { policy } = deps;
    this.#deps = deps;
    this.#provider = provider;
    this.#before = before;
    this.#cause = cause;
    this.#until = plus(startedAt, runDeadlineOf(policy, provider));
    this.#end = plus(startedAt, policy.lease - policy.commit);
    this.#lane = laneOf(before, cause);
  }

  async refreshGrant(account: Account, refreshToken: string, sent: Sent): Promise<CallOutcome> {
    const request = account.refresh?.(refreshToken, await this.#signed(account));
    if (!request) return { kind: 'refused', code: 'session_refused' };
    // A lost answer cannot be replaced: wait for it as long as the lease allows.
    if (sent.irreplaceable) this.#until = this.#end;
    return this.#call({ provider: this.#provider, account, grant: 'refresh' }, request, interpret, sent);
  }

  /** Only one process at a time tries a login that wrong tries may lock. */
  async login(credentials: Credentials): Promise<CallOutcome> {
    const { account, fingerprint } = credentials;
    if (!account.login) return this.#logIn(account);
    const { clock, logins, policy, credentials: cache } = this.#deps;
    const worked = this.#before.credentials === fingerprint && this.#before.expiresAt !== undefined;
    const from = clock.now();
    this.isLoginHeldBack = true;
    try {
      const login = await cache.fingerprint(this.#provider, account.login.text);
      return await logins.attempt(
        account.login.key,
        { login, credentials: fingerprint, worked },
        {
          until: plus(from, slotPatienceOf(policy, this.#provider) - this.#waited),
          insists: this.#cause === 'operator',
          onOverruled: () => {
            this.overruled = true;
          },
          logIn: () => {
            this.isLoginHeldBack = false;
            this.#hasWaited(clock.now() - from);
            return this.#logIn(account);
          },
        },
      );
    } catch (error) {
      if (!(error instanceof RefresherError)) throw error;
      this.isLoginHeldBack = false;
      return { kind: 'retry', code: error.code };
    }
  }

  /**
   * Called after a refresh grant that succeeded after minutes of rejections: what rejected it also rejected the login.
   */
  async releaseLogin({ account }: Credentials): Promise<void> {
    const { logins, credentials: cache } = this.#deps;
    const { status, lastError } = this.#before;
    if (!account.login || status !== 'attention' || !isRejection(lastError?.code)) return;
    await logins.release(account.login.key, await cache.fingerprint(this.#provider, account.login.text));
  }

  /** The rate limit that a call for this account waits for. */
  limitOf({ limitKey }: Account): string {
    return limitAndLane(limitKey, this.#lane);
  }

  async #logIn(account: Account): Promise<CallOutcome> {
    const exchange = { provider: this.#provider, account, grant: 'login' } as const;
    const request = account.logIn(await this.#signed(account));
    if (!account.exchange) return this.#call(exchange, request, interpret);
    const next = { ...exchange, assertion: await this.#signed(account) };
    const first = await this.#call(next, request, interpretFirstStep);
    if (first.kind !== 'next') return first;
    // Finish a login that has begun: otherwise its first step would be sent again.
    this.#lane = 'scheduled';
    return this.#call(exchange, first.request, interpret);
  }

  /** Signs a new assertion for each request: a provider may accept one only once. */
  async #signed({ assertion }: Account): Promise<string | undefined> {
    return assertion && this.#deps.sign(assertion, this.#deps.clock.now());
  }

  async #call<T extends { kind: string }>(
    exchange: Omit<Exchange, 'sentAt'>,
    request: HttpRequest,
    read: (exchange: Exchange, reply: HttpReply) => T,
    sent?: Sent,
  ): Promise<T | Retry | Postponed> {
    const { limitKey } = exchange.account;
    const slot = await this.#slot(limitKey);
    if (slot) return slot;
    const first = await this.#send(request, sent);
    if (!first) return { kind: 'retry', code: 'timeout' };
    // Only the rate limit refused it, which others may use too: send once more if a slot is free in time.
    const again = (await this.#isPaused(limitKey, first.reply)) && !(await this.#slot(limitKey));
    const { sentAt, reply } = (again && (await this.#send(request, sent))) || first;
    return read({ ...exchange, sentAt }, reply);
  }

  /** Undefined if no time is left. */
  async #send(request: HttpRequest, sent?: Sent): Promise<{ sentAt: EpochMs; reply: HttpReply } | undefined> {
    const { clock, policy, send } = this.#deps;
    // Read before the request is sent: a token may count as older than it is, never as younger.
    const sentAt = clock.now();
    const left = this.#until - sentAt;
    if (left < USEFUL_TIME) return undefined;
    this.count += 1;
    this.sent ??= sent;
    const deadline = sent?.irreplaceable ? left : Math.min(callDeadlineOf(policy, this.#provider), left);
    return { sentAt, reply: await send(request, deadline) };
  }

  /** Waits for a rate-limit slot. If the slot is too far off, the run is postponed. */
  async #slot(key: string): Promise<Retry | Postponed | undefined> {
    const { rateLimit } = this.#provider;
    if (!rateLimit) return undefined;
    const { clock, limiter, policy } = this.#deps;
    try {
      const from = clock.now();
      const until = plus(from, slotPatienceOf(policy, this.#provider) - this.#waited);
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

  /** The time for calls begins with the slot: waiting does not shorten it. */
  #hasWaited(duration: Milliseconds): undefined {
    this.#waited += duration;
    this.#until = epochMs(Math.min(this.#until + duration, this.#end));
  }

  /** Whether the rate limit refused a call. If so, all processes pause until the provider's Retry-After. */
  async #isPaused(key: string, reply: HttpReply): Promise<boolean> {
    const { rateLimit } = this.#provider;
    if (!rateLimit || reply.kind !== 'answer' || reply.status !== 429) return false;
    const now = this.#deps.clock.now();
    const { retryAfter = rateLimit.per } = retryAfterIn(reply.headers, now);
    // The answer counts even if the other processes do not get the pause.
    await this.#deps.limiter.pause(key, rateLimit, plus(now, retryAfter)).catch(() => {});
    return true;
  }
}
