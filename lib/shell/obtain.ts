import { type Choice, chooseGrant, fingerprint, latestVersion } from '../core/decide.ts';
import {
  type Exchange,
  type Failed,
  type Granted,
  interpret,
  interpretFirstStep,
  type Outcome,
} from '../core/interpret.ts';
import type { Policy } from '../core/policy.ts';
import type { Grant, HttpRequest, Provider } from '../core/provider.ts';
import { lockedOut, type Trouble } from '../core/settle.ts';
import { type Connection, type EpochMs, plus, type SecretVersion } from '../core/types.ts';
import type { CredentialCache, Credentials } from './credentials.ts';
import type { BudgetStore, Clock, SendHttp } from './ports.ts';

/** What came of asking a provider for a token, with all that the commit needs to know about how. */
export type Obtained =
  | {
      readonly kind: 'granted';
      readonly granted: Granted;
      readonly grant: { readonly kind: Grant; readonly only: boolean };
      readonly credentials: Credentials;
      readonly calls: number;
    }
  | {
      readonly kind: 'failed';
      readonly trouble: Trouble;
      readonly secretVersion?: SecretVersion;
      readonly dropSession: boolean;
      readonly redeemedCode?: string;
      readonly calls: number;
    }
  /** The provider's budget is used up: nothing was asked. */
  | {
      readonly kind: 'postponed';
      readonly until: EpochMs;
      readonly dropSession: boolean;
      readonly redeemedCode?: string;
      readonly calls: number;
    };

export interface ObtainDeps {
  readonly clock: Clock;
  readonly send: SendHttp;
  readonly budgets: BudgetStore;
  readonly credentials: CredentialCache;
  readonly policy: Policy;
}

/** So short a want of budget is waited for within the run. */
const SHORT_WAIT = 5000;
/** With less time than this left in a run no call is begun. */
const USEFUL_TIME = 1000;
const FULL = { grant: 'full', reason: 'no_session' } as const;

/**
 * Asks the provider for a token: the refresh grant or the full one, the full one after a refresh grant that was refused
 * or whose answer was lost, and the full one again where the secret turns out to have changed. `seen` is the record as it
 * was before this run claimed it.
 */
export const obtain = async (
  deps: ObtainDeps,
  provider: Provider,
  seen: Connection,
  startedAt: EpochMs,
): Promise<Obtained> => {
  const run = new Run(deps, provider, plus(startedAt, deps.policy.runDeadline));
  const read = await deps.credentials.read(provider, seen.secret, latestVersion(seen));
  if (!read.ok) return run.failed(read.trouble, read.version, false);
  if (wasRefused(provider, seen, read.version)) return judgedAgain(run, deps, provider, seen, read.version);
  return ask(run, deps, provider, seen, read);
};

/** A login with this version of the secret was refused, and one more may lock the account. */
const wasRefused = (provider: Provider, seen: Connection, version: SecretVersion): boolean =>
  seen.lastError !== undefined && lockedOut(provider, seen.lastError.code) && version === seen.triedVersion;

/** The verdict was not held against the secret as it is now, or it does not stand any more: no call without a new secret. */
const judgedAgain = async (
  run: Run,
  deps: ObtainDeps,
  provider: Provider,
  seen: Connection,
  refused: SecretVersion,
): Promise<Obtained> => {
  const reread = await deps.credentials.again(provider, seen.secret);
  if (reread.ok && reread.version !== refused) return ask(run, deps, provider, seen, reread);
  if (reread.version !== undefined && !reread.ok) return run.failed(reread.trouble, reread.version, false);
  const code = seen.lastError?.code ?? 'access_refused';
  return run.failed({ kind: reread.ok ? 'refused' : 'retry', code }, refused, false);
};

const ask = async (
  run: Run,
  deps: ObtainDeps,
  provider: Provider,
  seen: Connection,
  read: Credentials,
): Promise<Obtained> => {
  const choice = chooseGrant(seen, read, provider, deps.clock.now());
  if (choice.grant === 'none') {
    const outcome = { kind: 'refused', code: choice.code } as const;
    return judged(run, deps, provider, seen, { outcome, credentials: read, asked: FULL, dropSession: false });
  }
  if (choice.grant === 'refresh') {
    const outcome = await run.attempt(read, choice);
    const refused = outcome.kind === 'refused';
    if (refused && choice.only && !choice.codeLeft)
      return judged(run, deps, provider, seen, { outcome, credentials: read, asked: choice, dropSession: false });
    const fallBack = refused || (outcome.kind === 'unknown' && !choice.only);
    if (!fallBack) return run.concluded(outcome, read, choice, false);
  }
  return fullGrant(run, deps, provider, seen, read, choice);
};

/** A refused session, or one whose answer was lost, is not tried again: the credentials bring back all it could give. */
const fullGrant = async (
  run: Run,
  deps: ObtainDeps,
  provider: Provider,
  seen: Connection,
  credentials: Credentials,
  choice: Exclude<Choice, { grant: 'none' }>,
): Promise<Obtained> => {
  const replaceable = credentials.account.oneTimeCode === undefined;
  const dropSession = choice.grant === 'refresh' || (choice.reason !== 'no_session' && replaceable);
  const outcome = await run.attempt(credentials, FULL);
  if (outcome.kind !== 'refused') return run.concluded(outcome, credentials, FULL, dropSession);
  const verdict = await judged(run, deps, provider, seen, { outcome, credentials, asked: FULL, dropSession });
  const { session } = seen;
  if (replaceable || !session || choice.grant === 'refresh' || verdict.kind !== 'failed') return verdict;
  if (verdict.trouble.kind !== 'refused') return verdict;
  // A new one-time code is refused: what is left is the session of the old one.
  const left = { grant: 'refresh', refreshToken: session.refreshToken, only: true } as const;
  const last = await run.attempt(credentials, left);
  return last.kind === 'refused' ? { ...verdict, calls: run.calls } : run.concluded(last, credentials, left, false);
};

/**
 * No verdict before the secret was read again: it may be another by now. Where it cannot be read, and a login may lock the
 * account, the next run judges first.
 */
const judged = async (
  run: Run,
  deps: ObtainDeps,
  provider: Provider,
  seen: Connection,
  refusal: {
    readonly outcome: Failed;
    readonly credentials: Credentials;
    readonly asked: Asking;
    readonly dropSession: boolean;
  },
): Promise<Obtained> => {
  const { outcome, credentials, asked, dropSession } = refusal;
  const reread = await deps.credentials.again(provider, seen.secret);
  const stands = () => run.concluded(outcome, credentials, asked, dropSession);
  if (reread.version === credentials.version) return stands();
  if (reread.version === undefined) return run.failed({ ...outcome, kind: 'retry' }, credentials.version, dropSession);
  if (!reread.ok) return run.failed(reread.trouble, reread.version, dropSession);
  const { session: _, ...without } = seen;
  if (chooseGrant(without, reread, provider, deps.clock.now()).grant === 'none') return stands();
  return run.concluded(await run.attempt(reread, FULL), reread, FULL, dropSession);
};

type Attempted = Outcome | { readonly kind: 'postponed'; readonly until: EpochMs };
type Asking = Exclude<Choice, { grant: 'none' }>;

/** The calls of one run: counted, within the provider's budget, and all before one deadline. */
class Run {
  readonly #deps: ObtainDeps;
  readonly #provider: Provider;
  readonly #until: EpochMs;
  calls = 0;

  constructor(deps: ObtainDeps, provider: Provider, until: EpochMs) {
    this.#deps = deps;
    this.#provider = provider;
    this.#until = until;
  }

  async attempt(credentials: Credentials, asking: Asking): Promise<Attempted> {
    const { account } = credentials;
    const twoSteps = asking.grant === 'full' && account.exchange !== undefined;
    const refused = await this.#book(account.budgetKey, twoSteps ? 2 : 1);
    if (refused) return refused;

    const exchange = { provider: this.#provider, account, grant: asking.grant };
    if (asking.grant === 'refresh') {
      const request = account.refresh?.(asking.refreshToken);
      return request ? this.#ask(exchange, request, interpret) : { kind: 'refused', code: 'session_refused' };
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
    const sentAt = this.#deps.clock.now();
    const left = this.#until - sentAt;
    if (left < USEFUL_TIME) return { kind: 'retry', code: 'timeout' };
    this.calls += 1;
    const reply = await this.#deps.send(request, Math.min(this.#deps.policy.callDeadline, left));
    return read({ ...exchange, sentAt }, reply);
  }

  /** Books calls with the provider's budget. A want that lasts longer than a moment postpones the run. */
  async #book(key: string, cost: number): Promise<Exclude<Attempted, Granted> | undefined> {
    const { budget } = this.#provider;
    if (!budget) return undefined;
    const { clock, budgets } = this.#deps;
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
      return { kind: 'postponed', until: outcome.until, dropSession, ...redeemed, calls: this.calls };
    }
    return { ...this.failed(outcome, credentials.version, dropSession), ...redeemed };
  }

  failed(trouble: Trouble, secretVersion: SecretVersion | undefined, dropSession: boolean): Obtained {
    const used = secretVersion === undefined ? {} : { secretVersion };
    return { kind: 'failed', trouble, ...used, dropSession, calls: this.calls };
  }
}
