import { type Choice, fingerprint, mayHoldSession } from '../core/decide.ts';
import { type Exchange, type Granted, interpret, interpretFirstStep, type Outcome } from '../core/interpret.ts';
import type { Policy } from '../core/policy.ts';
import type { Grant, HttpRequest, Provider } from '../core/provider.ts';
import type { Trouble } from '../core/settle.ts';
import type { Connection, EpochMs, SecretVersion, Session, SessionNote, Version } from '../core/types.ts';
import type { CredentialCache, Credentials } from './credentials.ts';
import type { BudgetStore, Clock, SendHttp, SessionStore } from './ports.ts';

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
  | ({ readonly kind: 'postponed'; readonly until: EpochMs } & Left);

type Failed = Extract<Obtained, { kind: 'failed' }>;

export interface ObtainDeps {
  readonly clock: Clock;
  readonly send: SendHttp;
  readonly budgets: BudgetStore;
  readonly sessions: SessionStore;
  readonly credentials: CredentialCache;
  readonly policy: Policy;
}

/** So short a want of budget is waited for within the run. */
const SHORT_WAIT = 5000;
/** With less time than this left in a run no call is begun. */
const USEFUL_TIME = 1000;
export type Attempted = Outcome | { readonly kind: 'postponed'; readonly until: EpochMs };
export type Asking = Exclude<Choice, { grant: 'none' }>;

/** The calls of one run: counted, within the provider's budget, and all before one deadline. */
export class Run {
  readonly deps: ObtainDeps;
  readonly provider: Provider;
  /** The record as it was before this run claimed it. */
  readonly seen: Connection;
  readonly #until: EpochMs;
  calls = 0;
  /** The stored session, if it is bound to the credentials of this run. */
  held: { readonly version: Version; readonly session: Session } | undefined;
  /** A session is stored that these credentials may not use. */
  foreignSession = false;
  /** A refresh token that a login can replace was sent, and its answer is not known yet. */
  #inDoubt = false;
  #note: SessionNote | undefined;

  constructor(deps: ObtainDeps, provider: Provider, seen: Connection, until: EpochMs) {
    this.deps = deps;
    this.provider = provider;
    this.seen = seen;
    this.#until = until;
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
    const twoSteps = asking.grant === 'full' && account.exchange !== undefined;
    const refused = await this.#book(account.budgetKey, twoSteps ? 2 : 1);
    if (refused) return refused;

    const exchange = { provider: this.provider, account, grant: asking.grant };
    if (asking.grant === 'refresh') {
      const request = account.refresh?.(asking.refreshToken);
      if (!request) return { kind: 'refused', code: 'session_refused' };
      this.#inDoubt = !asking.only;
      return this.#ask(exchange, request, interpret);
    }
    if (!twoSteps) return this.#ask(exchange, account.logIn(), interpret);
    const first = await this.#ask(exchange, account.logIn(), interpretFirstStep);
    return first.kind === 'next' ? this.#ask(exchange, first.request, interpret) : first;
  }

  async #ask<T extends { kind: string }>(
    exchange: Omit<Exchange, 'sentAt'>,
    request: HttpRequest,
    read: (exchange: Exchange, reply: Awaited<ReturnType<SendHttp>>) => T,
  ): Promise<T | { kind: 'retry'; code: 'timeout' }> {
    // Taken before the request is sent: a token may be thought older than it is, never younger.
    const sentAt = this.deps.clock.now();
    const left = this.#until - sentAt;
    if (left < USEFUL_TIME) return { kind: 'retry', code: 'timeout' };
    this.calls += 1;
    const reply = await this.deps.send(request, Math.min(this.deps.policy.callDeadline, left));
    return read({ ...exchange, sentAt }, reply);
  }

  /** Books calls with the provider's budget. A want that lasts longer than a moment postpones the run. */
  async #book(key: string, cost: number): Promise<Exclude<Attempted, Granted> | undefined> {
    const { budget } = this.provider;
    if (!budget) return undefined;
    const { clock, budgets } = this.deps;
    try {
      for (;;) {
        const now = clock.now();
        const booking = await budgets.reserve(key, budget, cost, now);
        if (booking.ok) return undefined;
        const wait = booking.retryAt - now;
        const tooLong = wait > SHORT_WAIT || now + wait + USEFUL_TIME > this.#until;
        if (tooLong) return { kind: 'postponed', until: booking.retryAt };
        await clock.sleep(wait);
      }
    } catch {
      return { kind: 'retry', code: 'store_failed' };
    }
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
      return { kind: 'postponed', until: outcome.until, ...this.#left(dropSession), ...redeemed };
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
