import { type Choice, chooseGrant, isTooEarly, latestVersion } from '../core/decide.ts';
import type { ErrorCode } from '../core/errors.ts';
import { fingerprint } from '../core/fingerprint.ts';
import type { Failed as FailedCall, Granted } from '../core/interpret.ts';
import { replayOf } from '../core/policy.ts';
import type { Provider } from '../core/provider.ts';
import type { RunFailure, Tried, Used } from '../core/settle.ts';
import type { Connection, EpochMs } from '../core/types.ts';
import type { SessionStore, TokenStore } from '../ports.ts';
import { type CallDeps, Calls, type Cause } from './calls.ts';
import type { Credentials } from './credentials.ts';
import type { CallOutcome } from './logins.ts';
import { type Found, findSession, isCodeSpent, type UsableSession } from './session.ts';

export interface RunDeps extends CallDeps {
  readonly sessions: SessionStore;
  readonly tokens: Pick<TokenStore, 'get'>;
}

/** What a run without a token leaves. */
interface Left extends Used {
  /** The stored session must not be used again. */
  readonly forgetSession: boolean;
}

/** The result of the calls of one run, with everything that the commit needs. */
export type Obtained =
  | {
      readonly kind: 'granted';
      readonly granted: Granted;
      readonly grant: GrantChoice;
      readonly credentials: Credentials;
      readonly calls: number;
    }
  | ({ readonly kind: 'failed'; readonly trouble: RunFailure } & Left)
  /** No rate-limit slot is free in time, or another process uses the login. `exhausted`: the limit. */
  | ({
      readonly kind: 'postponed';
      readonly until: EpochMs;
      readonly code: ErrorCode;
      readonly exhausted?: string;
    } & Left)
  /** The secret has changed, but nothing that this connection would send now. */
  | ({ readonly kind: 'unchanged'; readonly tried: Tried } & Left);
export type FailedRun = Extract<Obtained, { kind: 'failed' }>;

type GrantChoice = Exclude<Choice, { grant: 'none' }>;
type RefreshChoice = Extract<Choice, { grant: 'refresh' }>;

/** A call, and whether to forget the stored session if it brings no other. */
interface Attempt {
  readonly credentials: Credentials;
  readonly choice: GrantChoice;
  readonly forgetSession: boolean;
}

const LOGIN = { grant: 'login', reason: 'no_session' } as const;
const inDoubt = { kind: 'unknown', code: 'session_in_doubt' } as const;

/**
 * Obtains a token by the refresh grant or a login. Logs in after a refresh grant that was refused or whose answer was
 * lost, and once more if the secret has changed during the run.
 */
export class Run {
  readonly #deps: RunDeps;
  readonly #provider: Provider;
  /** The record as it was before this run claimed it. */
  readonly #before: Connection;
  readonly #calls: Calls;
  readonly cause: Cause;
  found: Found;
  /** An irreplaceable refresh token was sent, and the answer is not known. */
  #isInDoubt = false;

  constructor(deps: RunDeps, provider: Provider, before: Connection, cause: Cause, startedAt: EpochMs) {
    this.#deps = deps;
    this.#provider = provider;
    this.#before = before;
    this.cause = cause;
    this.#calls = new Calls(deps, provider, before, cause, startedAt);
    this.found = { note: before.session, isForeign: false };
  }

  /** An operator insisted on a login although an earlier try was refused. */
  get overruled(): boolean {
    return this.#calls.overruled;
  }

  /** A refresh token was sent that no login can replace and that may have been spent before. */
  get replayed(): boolean {
    return this.#calls.sent?.irreplaceable === true && this.found.note?.inDoubt === true;
  }

  releaseLogin(credentials: Credentials): Promise<void> {
    return this.#calls.releaseLogin(credentials);
  }

  async obtain(): Promise<Obtained> {
    const { credentials, clock } = this.#deps;
    const before = this.#before;
    // An operator may have changed the secret before discovery noticed.
    const read = await (this.cause === 'operator'
      ? credentials.again(this.#provider, before.connection)
      : credentials.read(this.#provider, before.connection, latestVersion(before)));
    const tried = read.ok ? triedWith(read) : read.tried;
    const isDue = this.cause !== 'scheduled' || before.dueAt <= clock.now();
    // Only the version of the secret is new.
    if (!isDue && tried && tried.version !== before.usedVersion && tried.fingerprint === before.credentials) {
      return this.#unchanged(tried);
    }
    return read.ok ? this.#obtainWith(read) : this.#failed(read.trouble, tried, false);
  }

  /** After an exception, which is a bug: nobody knows how far the run got. */
  broken(): FailedRun {
    const { sent } = this.#calls;
    if (sent?.irreplaceable) this.#isInDoubt = true;
    return this.#failed({ kind: 'unknown', code: 'internal_error' }, undefined, sent?.irreplaceable === false);
  }

  async #obtainWith(credentials: Credentials): Promise<Obtained> {
    const found = await findSession(this.#deps, this.#before, credentials).catch(() => undefined);
    if (!found) return this.#failed({ kind: 'retry', code: 'store_failed' }, triedWith(credentials), false);
    this.found = found;
    const choice = isCodeSpent(this.#before, credentials, found)
      ? ({ grant: 'none', code: 'code_already_redeemed' } as const)
      : chooseGrant(this.#before, found.held, credentials, this.#provider, this.#deps.clock.now());
    switch (choice.grant) {
      case 'none': {
        const outcome = { kind: 'refused', code: choice.code } as const;
        return this.#judged(outcome, { credentials, choice: LOGIN, forgetSession: false });
      }
      case 'login':
        return this.#logIn(credentials, choice);
      case 'refresh':
        return this.#refresh(credentials, choice);
    }
  }

  async #refresh(credentials: Credentials, choice: RefreshChoice): Promise<Obtained> {
    const { irreplaceable, thenTryCode } = choice;
    if (irreplaceable && isTooEarly(this.#before, this.#provider, this.#deps.clock.now())) {
      return this.#unchanged(triedWith(credentials));
    }
    if (irreplaceable && this.found.held?.mayBeSpent && this.#isTokenWorthKeeping()) {
      return this.#failed(inDoubt, triedWith(credentials), false);
    }
    const attempt = { credentials, choice, forgetSession: false };
    const outcome = await this.#send(credentials, choice);
    if (outcome.kind === 'refused' && irreplaceable && !thenTryCode) return this.#judged(outcome, attempt);
    if (!needsLogin(outcome, irreplaceable)) return this.#concluded(outcome, attempt);
    const login = await this.#logIn(credentials, choice, outcome.kind !== 'rejected');
    // The refresh token is unspent and cannot lock an account: the next run sends it again without waiting for the
    // login.
    const isAsBefore = outcome.kind === 'rejected' && this.#calls.isLoginHeldBack && login.kind === 'failed';
    return isAsBefore ? this.#concluded(outcome, attempt) : login;
  }

  /** A session that was refused, or whose answer was lost, is not tried again: the credentials can replace it. */
  async #logIn(
    credentials: Credentials,
    choice: GrantChoice,
    mayBeSpent = this.found.held?.mayBeSpent ?? false,
  ): Promise<Obtained> {
    const { held } = this.found;
    const isReplaceable = credentials.account.oneTimeCode === undefined;
    const isDropped = choice.grant === 'login' && choice.reason !== 'no_session';
    const outcome = await this.#send(credentials, LOGIN);
    const { isLoginHeldBack } = this.#calls;
    // If a login is rejected without a verdict, a refresh grant would be rejected too.
    const forgetSession =
      (choice.grant === 'refresh' || isReplaceable) &&
      (mayBeSpent || (isDropped && outcome.kind !== 'rejected' && !isLoginHeldBack));
    const attempt = { credentials, choice: LOGIN, forgetSession };
    if (held && !mayBeSpent && isInPlaceOf(choice) && isLoginHeldBack && isFailed(outcome)) {
      return this.#refreshAfterAll(held, outcome, attempt);
    }
    if (outcome.kind !== 'refused' && outcome.kind !== 'rejected') return this.#concluded(outcome, attempt);
    const verdict = await this.#judged(outcome, attempt);
    const isFinal = isReplaceable || !held || choice.grant === 'refresh';
    if (isFinal || verdict.kind !== 'failed' || verdict.trouble.kind !== 'refused') return verdict;
    return this.#useSessionOfOldCode(held, verdict, credentials);
  }

  /** Uses the refresh grant after all, because the login that should have replaced it was held back. */
  async #refreshAfterAll(held: UsableSession, heldBack: FailedCall, attempt: Attempt): Promise<Obtained> {
    const { credentials } = attempt;
    const choice = {
      grant: 'refresh',
      refreshToken: held.session.refreshToken,
      irreplaceable: false,
    } as const;
    const outcome = await this.#send(credentials, choice);
    if (outcome.kind !== 'refused' && outcome.kind !== 'unknown') {
      return this.#concluded(outcome, { credentials, choice, forgetSession: false });
    }
    return this.#judged(heldBack, { ...attempt, forgetSession: true });
  }

  /** A new one-time code was refused: only the session of the old one is left. */
  async #useSessionOfOldCode(held: UsableSession, verdict: FailedRun, credentials: Credentials): Promise<Obtained> {
    if (held.mayBeSpent && this.#isTokenWorthKeeping()) return { ...verdict, trouble: inDoubt };
    const choice = {
      grant: 'refresh',
      refreshToken: held.session.refreshToken,
      irreplaceable: true,
    } as const;
    const outcome = await this.#send(credentials, choice);
    if (outcome.kind === 'refused') return { ...verdict, calls: this.#calls.count };
    return this.#concluded(outcome, { credentials, choice, forgetSession: false });
  }

  /** Reads the secret again before accepting a verdict: it may have changed since. */
  async #judged(outcome: FailedCall, attempt: Attempt): Promise<Obtained> {
    const { credentials, forgetSession } = attempt;
    const reread = await this.#deps.credentials.again(this.#provider, this.#before.connection);
    if (!reread.ok) {
      if (reread.tried) return this.#failed(reread.trouble, reread.tried, forgetSession);
      return this.#failed({ ...outcome, kind: 'retry' }, triedWith(credentials), forgetSession);
    }
    if (reread.fingerprint === credentials.fingerprint) {
      return this.#concluded(outcome, { ...attempt, credentials: reread });
    }
    const again = chooseGrant(this.#before, undefined, reread, this.#provider, this.#deps.clock.now());
    if (again.grant === 'none') return this.#concluded(outcome, attempt);
    return this.#concluded(await this.#send(reread, LOGIN), { credentials: reread, choice: LOGIN, forgetSession });
  }

  #send(credentials: Credentials, choice: GrantChoice): Promise<CallOutcome> {
    return choice.grant === 'login'
      ? this.#calls.login(credentials)
      : this.#calls.refreshGrant(credentials.account, choice.refreshToken, choice);
  }

  #concluded(outcome: CallOutcome, { credentials, choice, forgetSession }: Attempt): Obtained {
    const { account } = credentials;
    if (outcome.kind === 'granted') {
      return { kind: 'granted', granted: outcome, grant: choice, credentials, calls: this.#calls.count };
    }
    const irreplaceable = choice.grant === 'refresh' && choice.irreplaceable;
    const { oneTimeCode } = account;
    const redeemed = irreplaceable && oneTimeCode !== undefined ? { redeemedCode: fingerprint(oneTimeCode) } : {};
    if (outcome.kind === 'postponed') {
      const exhausted = outcome.code === 'budget_used' ? { exhausted: this.#calls.limitOf(account) } : {};
      return { ...outcome, ...exhausted, ...this.#left(forgetSession), ...redeemed };
    }
    if (outcome.kind === 'unknown' && irreplaceable) this.#isInDoubt = true;
    return { ...this.#failed(outcome, triedWith(credentials), forgetSession), ...redeemed };
  }

  #failed(trouble: RunFailure, tried: Tried | undefined, forgetSession: boolean): FailedRun {
    return { kind: 'failed', trouble, ...this.#left(forgetSession), ...(tried && { tried }) };
  }

  #unchanged(tried: Tried): Obtained {
    return { kind: 'unchanged', ...this.#left(false), tried };
  }

  #left(forgetSession: boolean): Left {
    const { note, isForeign } = this.found;
    const session = note && this.#isInDoubt ? { ...note, inDoubt: true as const } : note;
    return { session: forgetSession ? undefined : session, isForeign, forgetSession, calls: this.#calls.count };
  }

  /**
   * Whether the published token has time left. Resending a spent refresh token may end it. So the resend waits, unless
   * the published token is useless to a caller who wants another one.
   */
  #isTokenWorthKeeping(): boolean {
    const { published } = this.found;
    if (published === undefined || (this.cause !== 'scheduled' && this.cause !== 'requested')) return false;
    return replayOf(this.#deps.policy, published) > this.#deps.clock.now();
  }
}

export const triedWith = ({ version, fingerprint }: Credentials): Tried => ({ version, fingerprint });

/**
 * A login replaces a refused refresh token. It also replaces one that was rejected, or whose answer was lost, if it
 * can.
 */
const needsLogin = ({ kind }: CallOutcome, irreplaceable: boolean): boolean =>
  kind === 'refused' || (!irreplaceable && (kind === 'rejected' || kind === 'unknown'));

const isFailed = (outcome: CallOutcome): outcome is FailedCall =>
  outcome.kind !== 'granted' && outcome.kind !== 'postponed';

/** The login is tried only because the refresh grant keeps failing, which cannot lock an account. */
const isInPlaceOf = (choice: GrantChoice): boolean => choice.grant === 'login' && choice.reason === 'refresh_failing';
