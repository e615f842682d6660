import type { ErrorCode } from './errors.ts';
import type { Failed, Outcome } from './interpret.ts';
import type { Policy } from './policy.ts';
import { type EpochMs, type Milliseconds, plus } from './types.ts';

/**
 * What is known of logins that wrong tries may lock: a wrong one is tried once, however many connections use it, and
 * then no more until it changes.
 */

/** A login that was refused. */
export interface RefusedLogin {
  /** Of the login, or of all the credentials that it was tried with. */
  readonly fingerprint: string;
  readonly code: ErrorCode;
  /** How often in a row. */
  readonly times: number;
  /** When it may be tried again; never if the provider has named a reason. */
  readonly until?: EpochMs;
}

/** What is known of one user at one host. */
export interface LoginState {
  readonly refused: readonly RefusedLogin[];
  /** The fingerprint of the login that was granted last. */
  readonly granted?: string;
}

/** One try, told by fingerprints. */
export interface LoginTry {
  /** User, host and password. */
  readonly login: string;
  /** All the credentials, an organisation for example too. */
  readonly credentials: string;
  /** These credentials were granted a token before. */
  readonly worked: boolean;
}

/** Another password could be right: it is only known of so many that they are wrong. */
const MOST = 8;

/** Why a login is not tried now, if it is not. */
export const heldBack = ({ refused }: LoginState, it: LoginTry, now: EpochMs): Failed | undefined => {
  const of = (fingerprint: string) => refused.find(each => each.fingerprint === fingerprint);
  const held = of(it.login) ?? of(it.credentials);
  if (!held) return undefined;
  if (held.until === undefined) return { kind: 'refused', code: held.code };
  return held.until > now ? { kind: 'rejected', code: held.code, retryAfter: held.until - now } : undefined;
};

/** What is known after a try. */
export const afterTry = (
  policy: Pick<Policy, 'stands' | 'probe'>,
  state: LoginState,
  it: LoginTry,
  outcome: Outcome,
  now: EpochMs,
): LoginState => {
  const others = state.refused.filter(({ fingerprint }) => fingerprint !== it.login && fingerprint !== it.credentials);
  if (outcome.kind === 'granted') return { refused: others, granted: it.login };
  const isNamed = outcome.kind === 'refused' && loginRefused.has(outcome.code);
  if (!isNamed && outcome.kind !== 'rejected') return state;
  // If the login works for others, and these credentials never did, it is not the password that is wrong.
  const worksForOthers = state.granted === it.login && !it.worked;
  const ownFault = worksForOthers || (outcome.kind === 'refused' && outcome.code === 'invalid_client');
  const fingerprint = ownFault ? it.credentials : it.login;
  const times = (state.refused.find(each => each.fingerprint === fingerprint)?.times ?? 0) + 1;
  const entry: RefusedLogin = {
    ...{ fingerprint, code: outcome.code, times },
    ...(!isNamed && { until: plus(now, pauseAfter(policy, times)) }),
  };
  return {
    refused: [...others, entry].slice(-MOST),
    ...(state.granted !== undefined && (ownFault || state.granted !== it.login) && { granted: state.granted }),
  };
};

/** Codes that count against the account. */
const loginRefused: ReadonlySet<ErrorCode> = new Set(['invalid_grant', 'invalid_client', 'access_denied']);

/** A rejection without a reason may be a wrong password all the same: rarely enough for an account not to be locked. */
const pauseAfter = ({ stands, probe }: Pick<Policy, 'stands' | 'probe'>, times: number): Milliseconds =>
  times === 1 ? stands : Math.min(probe.cap, probe.first * 2 ** Math.min(times - 2, 10));
