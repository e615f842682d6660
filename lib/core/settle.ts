import { fingerprint, lengthens, realLifetime } from './decide.ts';
import type { ErrorCode } from './errors.ts';
import type { Failed, Granted } from './interpret.ts';
import { backoffOf, NEVER, type Policy, probeOf, renewalOf } from './policy.ts';
import type { Account, Grant, Provider } from './provider.ts';
import {
  type Connection,
  type EpochMs,
  type Failure,
  plus,
  type SecretVersion,
  type Session,
  type SessionNote,
  type Token,
  type Version,
} from './types.ts';

/** What a run leaves in the record: every one of these is written, and one that is absent is removed. */
export type Settlement = Pick<
  Connection,
  | 'status'
  | 'dueAt'
  | 'leaseUntil'
  | 'failures'
  | 'issuedAt'
  | 'expiresAt'
  | 'failingSince'
  | 'lastError'
  | 'attentionSince'
  | 'session'
  | 'origin'
  | 'triedVersion'
  | 'answeredVersion'
  | 'redeemedCode'
>;

/** A failure of the run: the provider's, or of a part of ours. */
export type Trouble = Failed & { readonly fields?: readonly string[] };

/** What a run used, as far as it got. */
export interface Used {
  /** How often it called the provider. */
  readonly calls: number;
  readonly secretVersion?: SecretVersion;
  /** The session that the run leaves. */
  readonly session?: SessionNote | undefined;
  /** Fingerprint of a one-time code that may be redeemed already. */
  readonly redeemedCode?: string;
}

/** The token to publish. */
export const tokenOf = (connection: Connection['connection'], granted: Granted, version: Version): Token => ({
  connection,
  accessToken: granted.accessToken,
  tokenType: granted.tokenType,
  issuedAt: granted.issuedAt,
  expiresAt: granted.expiresAt,
  headers: granted.headers,
  baseUrl: granted.baseUrl,
  version,
});

/**
 * The session that a grant leaves behind. A refresh answer without a new refresh token keeps the old one (RFC 6749 §6);
 * one that did not lengthen the token's life has reached the session's wall, and only a login goes on from there.
 */
export const sessionAfter = (
  seen: Connection,
  session: Session | undefined,
  grant: { readonly kind: Grant; readonly only: boolean },
  granted: Granted,
  provider: Provider,
  binding: string,
): Session | undefined => {
  const { refreshToken, sessionEndsAt } = granted;
  if (grant.kind === 'refresh' && !grant.only && !lengthens(seen, granted.expiresAt, realLifetime(seen, provider))) {
    return undefined;
  }
  if (refreshToken === undefined) return grant.kind === 'refresh' ? session : undefined;
  return {
    refreshToken,
    ...(sessionEndsAt !== undefined && { endsAt: sessionEndsAt }),
    baseUrl: granted.baseUrl,
    binding,
  };
};

export const settleGranted = (
  policy: Policy,
  seen: Connection,
  granted: Granted,
  used: {
    readonly secretVersion: SecretVersion;
    readonly account: Account;
    readonly session: SessionNote | undefined;
  },
): Settlement => ({
  status: 'healthy',
  dueAt: renewalOf(policy, seen.connection, granted.issuedAt, granted.expiresAt),
  failures: 0,
  issuedAt: granted.issuedAt,
  expiresAt: granted.expiresAt,
  origin: used.account.origin,
  ...tried(seen, used.secretVersion),
  ...(used.session && { session: used.session }),
  ...(used.account.oneTimeCode !== undefined && { redeemedCode: fingerprint(used.account.oneTimeCode) }),
});

/** A failed run. The published token is left as it was, whatever happens to its renewal. */
export const settleFailed = (
  policy: Policy,
  provider: Provider,
  seen: Connection,
  trouble: Trouble,
  used: Used,
  now: EpochMs,
  random: number,
): Settlement => {
  const failures = seen.failures + 1;
  const lastError: Failure = {
    ...failureOf(seen, trouble.code, now),
    ...(trouble.status !== undefined && { status: trouble.status }),
    ...(trouble.fields && { fields: trouble.fields }),
  };
  const common = {
    ...carried(seen, used),
    ...(used.secretVersion !== undefined && tried(seen, used.secretVersion)),
    failures,
    failingSince: seen.failingSince ?? now,
  };
  const outOfPatience =
    trouble.kind === 'retry' && trouble.patience !== undefined && lastError.times >= trouble.patience;
  if (trouble.kind === 'refused' || outOfPatience) {
    const attentionSince = seen.attentionSince ?? now;
    const dueAt = lockedOut(provider, trouble.code) ? NEVER : plus(now, probeOf(policy, now, attentionSince));
    return { ...common, status: 'attention', attentionSince, lastError, dueAt };
  }
  const sameCredentials = used.secretVersion === undefined || used.secretVersion === seen.triedVersion;
  if (seen.status === 'attention' && sameCredentials) {
    // A probe that got no verdict changes nothing about why a person is needed. New credentials that got none do: the
    // old verdict was not about them, and now that they count as tried no change would bring a locked-out one back.
    const dueAt = seen.dueAt === NEVER ? NEVER : plus(now, probeOf(policy, now, seen.attentionSince ?? now));
    return { ...pick(seen, 'attentionSince', 'lastError'), ...common, status: 'attention', dueAt };
  }
  const retryAfter = trouble.kind === 'retry' ? trouble.retryAfter : undefined;
  const pause = backoffOf(policy, { failures, now, expiresAt: seen.expiresAt, retryAfter }, random);
  return { ...common, status: 'failing', lastError, dueAt: plus(now, pause) };
};

/** No call was made, for want of budget: nothing happened, except that it is due a little later. */
export const settlePostponed = (seen: Connection, used: Used, until: EpochMs, now: EpochMs): Settlement => ({
  ...carried(seen, used),
  ...pick(seen, 'failingSince', 'lastError', 'attentionSince'),
  // Whoever asks why it is late shall find out; why a person is needed is worth more.
  ...(seen.status !== 'attention' && { lastError: failureOf(seen, 'budget_used', now) }),
  status: seen.status,
  failures: seen.failures,
  dueAt: until,
});

/** Another wrong login could lock the account: only a changed secret starts again. */
export const lockedOut = (provider: Provider, code: ErrorCode): boolean => provider.locksOut && loginRefused.has(code);
const loginRefused: ReadonlySet<ErrorCode> = new Set([
  'invalid_grant',
  'invalid_client',
  'access_denied',
  'access_refused',
]);

const failureOf = (seen: Connection, code: ErrorCode, at: EpochMs): Failure => ({
  code,
  at,
  times: seen.lastError?.code === code ? seen.lastError.times + 1 : 1,
});

const tried = (seen: Connection, triedVersion: SecretVersion) => ({
  triedVersion,
  ...(seen.secretVersion !== undefined && { answeredVersion: seen.secretVersion }),
});

const carried = (seen: Connection, used: Used) => ({
  ...pick(
    seen,
    'issuedAt',
    'expiresAt',
    'origin',
    'redeemedCode',
    'triedVersion',
    'answeredVersion',
    // What a worker that died has spent is as unknown as before.
    ...(used.calls === 0 ? (['leaseUntil'] as const) : []),
  ),
  ...(used.session && { session: used.session }),
  ...pick(used, 'redeemedCode'),
});

const pick = <T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.filter(key => from[key] !== undefined).map(key => [key, from[key]])) as Pick<T, K>;
