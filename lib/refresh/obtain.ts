import { chooseGrant, type HeldSession, latestVersion } from '../core/decide.ts';
import type { Failed } from '../core/interpret.ts';
import { replayOf } from '../core/policy.ts';
import type { Credentials, Read } from './credentials.ts';
import { type Asking, type Attempted, type Obtained, type Run, triedWith } from './run.ts';

const FULL = { grant: 'full', reason: 'no_session' } as const;

/**
 * Asks the provider for a token: the refresh grant or the full one, the full one after a refresh grant that was refused
 * or whose answer was lost, and the full one again if the secret turns out to have changed.
 */
export const obtain = async (run: Run): Promise<Obtained> => {
  const { deps, provider, seen } = run;
  // An operator may know of a change before discovery does.
  const read = await (run.cause === 'operator'
    ? deps.credentials.again(provider, seen.connection)
    : deps.credentials.read(provider, seen.connection, latestVersion(seen)));
  const tried = read.ok ? triedWith(read) : read.tried;
  const isDue = run.cause !== 'scheduled' || seen.dueAt <= deps.clock.now();
  // Only the version of its secret is new.
  if (!isDue && tried && tried.version !== seen.triedVersion && tried.fingerprint === seen.credentials) {
    return run.unchanged(tried);
  }
  return read.ok ? ask(run, read) : run.failed(read.trouble, tried, false);
};

const ask = async (run: Run, read: Credentials): Promise<Obtained> => {
  const held = await run.loadSession(read).catch(() => 'unreadable' as const);
  if (held === 'unreadable') return run.failed({ kind: 'retry', code: 'store_failed' }, triedWith(read), false);
  const choice = run.isCodeSpent(read, held)
    ? ({ grant: 'none', code: 'code_already_redeemed' } as const)
    : chooseGrant(run.seen, held, read, run.provider, run.deps.clock.now());
  if (choice.grant === 'none') {
    const outcome = { kind: 'refused', code: choice.code } as const;
    return judged(run, { outcome, credentials: read, asked: FULL, dropSession: false });
  }
  if (choice.grant === 'full') return fullGrant(run, held, read, choice);
  if (choice.only && held?.mayBeSpent && isWorthKeeping(run)) return run.failed(inDoubt, triedWith(read), false);
  const outcome = await run.attempt(read, choice);
  if (outcome.kind === 'refused' && choice.only && !choice.codeLeft) {
    return judged(run, { outcome, credentials: read, asked: choice, dropSession: false });
  }
  if (!needsLogin(outcome, choice.only)) return run.concluded(outcome, read, choice, false);
  const login = await fullGrant(run, held, read, choice, outcome.kind !== 'rejected');
  // The refresh token is unspent, and cannot lock an account: it is sent again without waiting for the login.
  const isAsBefore = outcome.kind === 'rejected' && run.isHeldBack && login.kind === 'failed';
  return isAsBefore ? run.concluded(outcome, read, choice, false) : login;
};

const inDoubt = { kind: 'unknown', code: 'session_in_doubt' } as const;

/** A refused refresh token is replaced by a login; so is one that was rejected, or whose answer was lost, if it can be. */
const needsLogin = ({ kind }: Attempted, only: boolean): boolean =>
  kind === 'refused' || (!only && (kind === 'rejected' || kind === 'unknown'));

/**
 * Whether the published token has time left. To send a refresh token again that is spent may end it: that waits, unless
 * the token is of no use to whoever asks.
 */
const isWorthKeeping = ({ deps, cause, published }: Run): boolean =>
  published !== undefined &&
  (cause === 'scheduled' || cause === 'asked') &&
  replayOf(deps.policy, published) > deps.clock.now();

const isFailed = (outcome: Attempted): outcome is Failed => outcome.kind !== 'granted' && outcome.kind !== 'postponed';

/** The login is tried only because the refresh grant keeps failing: that cannot lock an account. */
const isInPlaceOf = (choice: Asking): boolean => choice.grant === 'full' && choice.reason === 'refresh_failing';

/** A refused session, or one whose answer was lost, is not tried again: the credentials bring back all it could give. */
const fullGrant = async (
  run: Run,
  held: HeldSession | undefined,
  credentials: Credentials,
  choice: Asking,
  mayBeSpent = held?.mayBeSpent ?? false,
): Promise<Obtained> => {
  const replaceable = credentials.account.oneTimeCode === undefined;
  const isDropped = choice.grant === 'full' && choice.reason !== 'no_session';
  const outcome = await run.attempt(credentials, FULL);
  // Whoever rejects a login without a verdict would reject a refresh grant too.
  const dropSession =
    (choice.grant === 'refresh' || replaceable) &&
    (mayBeSpent || (isDropped && outcome.kind !== 'rejected' && !run.isHeldBack));
  if (held && !mayBeSpent && isInPlaceOf(choice) && run.isHeldBack && isFailed(outcome)) {
    const again = { grant: 'refresh', refreshToken: held.session.refreshToken, only: false } as const;
    const last = await run.attempt(credentials, again);
    if (last.kind !== 'refused' && last.kind !== 'unknown') return run.concluded(last, credentials, again, false);
    return judged(run, { outcome, credentials, asked: FULL, dropSession: true });
  }
  if (outcome.kind !== 'refused' && outcome.kind !== 'rejected') {
    return run.concluded(outcome, credentials, FULL, dropSession);
  }
  const verdict = await judged(run, { outcome, credentials, asked: FULL, dropSession });
  if (replaceable || !held || choice.grant === 'refresh' || verdict.kind !== 'failed') return verdict;
  if (verdict.trouble.kind !== 'refused') return verdict;
  // A new one-time code is refused: what is left is the session of the old one.
  if (held.mayBeSpent && isWorthKeeping(run)) return { ...verdict, trouble: inDoubt };
  const left = { grant: 'refresh', refreshToken: held.session.refreshToken, only: true } as const;
  const last = await run.attempt(credentials, left);
  return last.kind === 'refused' ? { ...verdict, calls: run.calls } : run.concluded(last, credentials, left, false);
};

/** No verdict before the secret was read again: it may be another by now. */
const judged = async (
  run: Run,
  refusal: {
    readonly outcome: Failed;
    readonly credentials: Credentials;
    readonly asked: Asking;
    readonly dropSession: boolean;
  },
): Promise<Obtained> => {
  const { deps, provider, seen } = run;
  const { outcome, credentials, asked, dropSession } = refusal;
  const reread: Read = await deps.credentials.again(provider, seen.connection);
  const stands = (read: Credentials) => run.concluded(outcome, read, asked, dropSession);
  if (!reread.ok) {
    if (reread.tried) return run.failed(reread.trouble, reread.tried, dropSession);
    return run.failed({ ...outcome, kind: 'retry' }, triedWith(credentials), dropSession);
  }
  if (reread.fingerprint === credentials.fingerprint) return stands(reread);
  if (chooseGrant(seen, undefined, reread, provider, deps.clock.now()).grant === 'none') return stands(credentials);
  return run.concluded(await run.attempt(reread, FULL), reread, FULL, dropSession);
};
