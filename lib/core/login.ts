import type { ErrorCode } from './errors.ts';
import type { Failed, Outcome } from './interpret.ts';
import type { Policy } from './policy.ts';
import { type EpochMs, hours, type Milliseconds, minutes, plus } from './types.ts';

/**
 * The rules for logins that wrong tries may lock: a wrong login is tried once, however many connections use it, and
 * then not again until it changes. Accounts lock after five wrong tries; these rules stop after four.
 */

/** A refused login, or all refused credentials that contain it. */
export interface RefusedLogin {
  readonly fingerprint: string;
  /** Of credentials: the login in them. */
  readonly login?: string;
  readonly code: ErrorCode;
  /** How often in a row. */
  readonly times: number;
  /** When it may be tried again; absent, that is never, if the provider named a reason. */
  readonly until?: EpochMs;
  /** When a connection last wanted to use it. */
  readonly at: EpochMs;
}

/** The tries and outcomes of one user at one host. */
export interface LoginState {
  readonly refused: readonly RefusedLogin[];
  /** The fingerprint of the login that was granted last. */
  readonly granted?: string;
  /** Wrong tries since a login was granted. A login repeated after a rejection without a reason counts once. */
  readonly wrong?: number;
}

/** One try, identified by fingerprints. */
export interface LoginTry {
  /** User, host and password. */
  readonly login: string;
  /** All the credentials, for example with an organisation. */
  readonly credentials: string;
  /** These credentials were granted a token before. */
  readonly worked: boolean;
}

/** The most wrong tries in a row; the last of them is reserved for the login that was granted last. */
const MOST = 4;
/** The most refusals that are kept. Once full, no other login is tried, except the one that was granted last. */
const KEPT = 64;
/** A refusal that no connection has met for this long is forgotten: every connection is probed once a day. */
const FORGOTTEN_AFTER = hours(7 * 24);
/** The assumed outcome of a try until the real one is stored. */
const UNDERWAY = 'login_in_use';

/** Why a login is not tried now, if it is not. */
export const heldBack = (state: LoginState, it: LoginTry, now: EpochMs): Failed | undefined => {
  const [own, login] = [entryOf(state, it.credentials), entryOf(state, it.login)];
  const mayWork = state.granted === it.login;
  // It worked before. Is the password wrong, or something else of that connection? One other connection finds out.
  // If the outcome of the try is not known, that connection itself may try again.
  const isUnknown = login?.code === UNDERWAY;
  const isSecondOpinion = mayWork && login?.times === 1 && (!own || isUnknown);
  const held = isSecondOpinion ? (isUnknown && own?.code === UNDERWAY ? undefined : own) : later(own, login);
  if (held && endOf(held) > now) return failureOf(held, now);
  const isRepeated = login !== undefined && !isSecondOpinion;
  const isUsedUp = !isRepeated && (state.wrong ?? 0) >= (mayWork ? MOST : MOST - 1);
  const isFull = !own && !mayWork && state.refused.length >= KEPT;
  const last = state.refused.at(-1);
  return last && (isUsedUp || isFull) ? failureOf({ code: last.code }, now) : undefined;
};

const endOf = ({ until }: RefusedLogin): number => until ?? Number.POSITIVE_INFINITY;

const later = (one: RefusedLogin | undefined, other: RefusedLogin | undefined): RefusedLogin | undefined =>
  one && other && endOf(one) < endOf(other) ? other : (one ?? other);

const failureOf = ({ code, until }: Pick<RefusedLogin, 'code' | 'until'>, now: EpochMs): Failed => {
  const again = until === undefined ? {} : { retryAfter: until - now };
  if (code === UNDERWAY) return { kind: 'retry', code, ...again };
  return until === undefined ? { kind: 'refused', code } : { kind: 'rejected', code, ...again };
};

/** The state after a login was held back: it notes that a connection still wants to use it. */
export const afterHolding = (state: LoginState, it: LoginTry, now: EpochMs): LoginState => ({
  ...state,
  refused: state.refused.map(each =>
    each.fingerprint === it.login || each.fingerprint === it.credentials ? { ...each, at: now } : each,
  ),
});

/**
 * The state if the outcome of a try is never stored: the try counts as rejected. Otherwise each connection would try a
 * wrong login again while the store fails.
 */
export const duringTry = (policy: LoginPolicy, state: LoginState, it: LoginTry, now: EpochMs): LoginState =>
  afterTry(policy, state, it, { kind: 'rejected', code: UNDERWAY }, now);

type LoginPolicy = Pick<Policy, 'stands' | 'probe' | 'lease'>;

/** The state after a try. */
export const afterTry = (
  policy: LoginPolicy,
  state: LoginState,
  it: LoginTry,
  outcome: Outcome,
  now: EpochMs,
): LoginState => {
  const [own, login] = [entryOf(state, it.credentials), entryOf(state, it.login)];
  const others = state.refused.filter(({ fingerprint }) => fingerprint !== it.login && fingerprint !== it.credentials);
  if (outcome.kind === 'granted') {
    // The password works. Credentials refused with it stay refused, since something else in them is wrong,
    // unless the provider has now accepted the very same credentials.
    const isAnotherMind = own !== undefined && login !== undefined;
    return { refused: isAnotherMind ? others.filter(each => each.login !== it.login) : others, granted: it.login };
  }
  // The answer was lost or garbled: it may have been a refusal.
  if (outcome.kind === 'unknown') return duringTry(policy, state, it, now);
  const isNamed = outcome.kind === 'refused' && loginRefused.has(outcome.code);
  if (!isNamed && outcome.kind !== 'rejected') return state;

  const { code } = outcome;
  const isLikelyRight = code === UNDERWAY && state.granted === it.login;
  const entry = (before: RefusedLogin | undefined, fingerprint: string, tries: number): RefusedLogin => {
    const times = (before?.times ?? 0) + 1;
    const pause = isLikelyRight ? pauseAfterLost(policy, times) : pauseAfter(policy, code, tries);
    return { fingerprint, code, times, at: now, ...(!isNamed && { until: plus(now, pause) }) };
  };
  const mine = { ...entry(own, it.credentials, (own?.times ?? 0) + 1), login: it.login };
  // The application's credentials are wrong, not the user's.
  if (code === 'invalid_client') {
    const granted = state.granted === undefined ? {} : { granted: state.granted };
    const wrong = state.wrong === undefined ? {} : { wrong: state.wrong };
    return { refused: kept([...others, ...(login ? [login] : []), mine], now), ...granted, ...wrong };
  }
  // Pauses count all tries of the user, with any password.
  const tries = 1 + [...others, ...(login ? [login] : [])].filter(isLogin).reduce((sum, { times }) => sum + times, 0);
  const theirs = entry(login, it.login, tries);
  const { until = now } = theirs;
  const paused = others.map(each =>
    isLogin(each) && each.until !== undefined && each.until < until ? { ...each, until } : each,
  );
  const isRepeated = login?.until !== undefined;
  const isLost = state.granted === it.login && it.worked && code !== UNDERWAY;
  return {
    refused: kept([...paused, mine, theirs], now),
    ...(state.granted !== undefined && !isLost && { granted: state.granted }),
    wrong: (state.wrong ?? 0) + (isRepeated ? 0 : 1),
  };
};

/**
 * The state after the provider granted a refresh token of the same connection. The cause of a rejection without a
 * reason is gone, most likely a firewall. The login may be tried again, and its next pause is longer than the last one.
 */
export const afterRefresh = (state: LoginState, login: string, now: EpochMs): LoginState => ({
  ...state,
  refused: state.refused.map(each =>
    (each.fingerprint === login || each.login === login) && each.until !== undefined && each.until > now
      ? { ...each, until: now }
      : each,
  ),
});

const entryOf = ({ refused }: LoginState, fingerprint: string): RefusedLogin | undefined =>
  refused.find(each => each.fingerprint === fingerprint);

const isLogin = ({ login }: RefusedLogin): boolean => login === undefined;

const kept = (refused: readonly RefusedLogin[], now: EpochMs): readonly RefusedLogin[] =>
  refused.filter(({ at }) => now - at < FORGOTTEN_AFTER);

/** Codes that count against the account. */
const loginRefused: ReadonlySet<ErrorCode> = new Set(['invalid_grant', 'invalid_client', 'access_denied']);

/**
 * A rejection without a reason may come from a firewall, or mean a wrong password. It is tried again after 2 minutes, 1
 * hour, 8 hours, and then every 16: never five times within 24 hours. A try with an unknown outcome is repeated twice
 * after a lease, since the worker, the provider or the network probably failed for a moment. The fifth comes after 9
 * hours.
 */
const pauseAfter = ({ stands, probe, lease }: LoginPolicy, code: ErrorCode, tries: number): Milliseconds => {
  if (code === UNDERWAY && tries <= 2) return lease;
  const step = code === UNDERWAY ? tries - 1 : tries;
  return step === 1 ? stands : probe.first * Math.min(16, 8 ** (step - 2));
};

/**
 * A lost answer does not mean that a login which worked before is wrong now. But its password may have just changed. So
 * there are at most four tries within half an hour: the usual time to lock an account and to count wrong tries.
 */
const pauseAfterLost = ({ lease }: LoginPolicy, times: number): Milliseconds =>
  times <= 2 ? lease : minutes(Math.min(60, 15 * 2 ** (times - 3)));
