import { lengthens, realLifetime } from './decide.ts';
import type { ErrorCode } from './errors.ts';
import { fingerprint } from './fingerprint.ts';
import type { Failed, Granted } from './interpret.ts';
import { backoffOf, type Policy, probeOf, rejectedPauseOf, renewalOf, replayOf } from './policy.ts';
import type { Account, Provider } from './provider.ts';
import {
  type Connection,
  type EpochMs,
  epochMs,
  type Failure,
  plus,
  type SecretVersion,
  type Session,
  type SessionNote,
  type Token,
  type Version,
} from './types.ts';

/** The fields that a run writes to the record. One that is absent is removed. */
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
  | 'base'
  | 'apiOrigin'
  | 'usedVersion'
  | 'settledVersion'
  | 'credentials'
  | 'redeemedCode'
>;

/** A failure of the run, caused by the provider or by our own code or stores. */
export type RunFailure = Failed & { readonly fields?: readonly string[] };

/** The credentials that a run used: the version of their secret, and their fingerprint. */
export interface Tried {
  readonly version: SecretVersion;
  readonly fingerprint: string;
}

/** What a run used before it ended. */
export interface Used {
  /** The number of calls to the provider. */
  readonly calls: number;
  readonly tried?: Tried;
  /** The session that the run leaves. */
  readonly session?: SessionNote | undefined;
  /** That session belongs to other credentials, which these must not use. */
  readonly isForeign?: boolean;
  /** Fingerprint of a one-time code that may be redeemed already. */
  readonly redeemedCode?: string;
}

/** The grant that brought a token. `irreplaceable`: no login can replace its refresh token. */
export type UsedGrant = { readonly grant: 'login' } | { readonly grant: 'refresh'; readonly irreplaceable: boolean };

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
 * The session that a grant leaves. A refresh answer without a new refresh token keeps the old one (RFC 6749 §6). If it
 * did not lengthen the token's life, the session is at its end, and only a login continues.
 */
export const sessionAfter = (
  before: Connection,
  session: Session | undefined,
  grant: UsedGrant,
  granted: Granted,
  provider: Provider,
  issuer: Pick<Session, 'base' | 'binding'>,
): Session | undefined => {
  const { refreshToken, sessionEndsAt } = granted;
  if (
    grant.grant === 'refresh' &&
    !grant.irreplaceable &&
    !lengthens(before, granted.expiresAt, realLifetime(before, provider))
  ) {
    return undefined;
  }
  if (refreshToken === undefined) return grant.grant === 'refresh' ? session : undefined;
  return {
    refreshToken,
    ...(sessionEndsAt !== undefined && { endsAt: sessionEndsAt }),
    ...issuer,
  };
};

export const settleGranted = (
  policy: Policy,
  before: Connection,
  granted: Granted,
  used: {
    readonly tried: Tried;
    readonly account: Account;
    readonly session: SessionNote | undefined;
    readonly isForeign?: boolean;
  },
): Settlement => ({
  status: 'healthy',
  dueAt: renewalOf(
    policy,
    before.connection,
    granted.issuedAt,
    granted.expiresAt,
    used.account.oneTimeCode !== undefined,
  ),
  failures: 0,
  issuedAt: granted.issuedAt,
  expiresAt: granted.expiresAt,
  base: used.account.base,
  apiOrigin: new URL(granted.baseUrl).origin,
  ...noted(before, used.tried),
  ...(used.session && { session: used.session }),
  // This code brought a session that may come back: it still counts as redeemed.
  ...(used.isForeign && pick(before, 'redeemedCode')),
  ...(used.account.oneTimeCode !== undefined && { redeemedCode: fingerprint(used.account.oneTimeCode) }),
});

/**
 * A token was granted, but its session, which no login can replace, could not be stored: this token is the last one.
 */
export const settleLost = (settled: Settlement, before: Connection, now: EpochMs): Settlement => ({
  ...settled,
  status: 'attention',
  attentionSince: before.attentionSince ?? now,
  lastError: failureOf(before, 'store_failed', now),
});

/** A failed run leaves the published token as it is. */
export const settleFailed = (
  policy: Policy,
  provider: Provider,
  before: Connection,
  trouble: RunFailure,
  used: Used,
  now: EpochMs,
  random: number,
): Settlement => {
  const failures = before.failures + 1;
  const lastError: Failure = {
    ...failureOf(before, trouble.code, now),
    ...(trouble.status !== undefined && { status: trouble.status }),
    ...(trouble.fields && { fields: trouble.fields }),
  };
  const common = {
    ...carried(before, used),
    ...(used.tried && noted(before, used.tried)),
    failures,
    failingSince: before.failingSince ?? now,
  };
  const attentionSince = before.attentionSince ?? now;
  const retryAfter = 'retryAfter' in trouble ? trouble.retryAfter : undefined;
  const retryAt = plus(now, backoffOf(policy, { failures, now, expiresAt: before.expiresAt, retryAfter }, random));
  const probeAt = plus(now, probeOf(policy, realLifetime(before, provider), now, attentionSince));
  if (trouble.kind === 'refused') {
    return { ...common, status: 'attention', attentionSince, lastError, dueAt: probeAt };
  }
  const again = inDoubtUntil(policy, before, used);
  if (again !== undefined) {
    return { ...common, status: 'attention', attentionSince, lastError, dueAt: again > retryAt ? again : retryAt };
  }
  const isAlive = before.expiresAt !== undefined && before.expiresAt > now;
  if (trouble.kind === 'rejected' && now - lastError.since >= policy.stands) {
    // While a token is valid, a retry may still save it.
    const pausedAt = plus(now, rejectedPauseOf(policy, realLifetime(before, provider), now, lastError.since));
    const dueAt = isAlive || retryAt > pausedAt ? retryAt : pausedAt;
    return { ...common, status: 'attention', attentionSince, lastError, dueAt };
  }
  const sameCredentials = used.tried === undefined || used.tried.fingerprint === before.credentials;
  if (before.status === 'attention' && sameCredentials) {
    // A probe without a verdict keeps the reason for attention. New credentials without a verdict do not: the old
    // verdict was about other credentials. After a rejection that named no reason, the usual retry applies.
    const dueAt = isRejection(before.lastError?.code) ? retryAt : probeAt;
    return { ...pick(before, 'attentionSince', 'lastError'), ...common, status: 'attention', dueAt };
  }
  return { ...common, status: 'failing', lastError, dueAt: retryAt };
};

/** When to resend a refresh token that no login can replace and that may be spent. */
const inDoubtUntil = (policy: Policy, before: Connection, { session, isForeign }: Used): EpochMs | undefined => {
  if (!session?.inDoubt || isForeign) return undefined;
  const { issuedAt, expiresAt } = before;
  return issuedAt === undefined || expiresAt === undefined ? epochMs(0) : replayOf(policy, { issuedAt, expiresAt });
};

/** No call was made because no slot was free: nothing changes, except that the connection is due a little later. */
export const settlePostponed = (
  before: Connection,
  used: Used,
  { until, code }: { readonly until: EpochMs; readonly code: ErrorCode },
  now: EpochMs,
): Settlement => ({
  ...asItWas(before, used),
  // Records why it is late. If a person is needed, that reason matters more and stays.
  ...(before.status !== 'attention' && { lastError: failureOf(before, code, now) }),
  dueAt: until,
});

/** The secret has changed, but not this connection's part of it: nothing happened. */
export const settleUnchanged = (before: Connection, used: Used & { readonly tried: Tried }): Settlement => ({
  ...asItWas(before, used),
  ...noted(before, used.tried),
  dueAt: before.dueAt,
});

const asItWas = (before: Connection, used: Used) => ({
  ...carried(before, used),
  ...pick(before, 'failingSince', 'lastError', 'attentionSince'),
  status: before.status,
  failures: before.failures,
});

/** Answers without a verdict: a proxy or firewall in between may use any of them. */
const rejections: ReadonlySet<ErrorCode> = new Set([
  'access_refused',
  'request_rejected',
  'invalid_request',
  'account_restricted',
]);

export const isRejection = (code: ErrorCode | undefined): boolean => code !== undefined && rejections.has(code);

const failureOf = (before: Connection, code: ErrorCode, at: EpochMs): Failure => ({
  code,
  at,
  times: before.lastError?.code === code ? before.lastError.times + 1 : 1,
  since: before.lastError && isSame(before.lastError.code, code) ? before.lastError.since : at,
});

const isSame = (before: ErrorCode, code: ErrorCode): boolean =>
  before === code || (isRejection(before) && isRejection(code));

const noted = (before: Connection, { version, fingerprint }: Tried) => ({
  usedVersion: version,
  credentials: fingerprint,
  ...(before.discoveredVersion !== undefined && { settledVersion: before.discoveredVersion }),
});

const carried = (before: Connection, used: Used) => ({
  ...pick(
    before,
    'issuedAt',
    'expiresAt',
    'base',
    'apiOrigin',
    'redeemedCode',
    'usedVersion',
    'settledVersion',
    'credentials',
    // What a crashed worker may have spent is still unknown.
    ...(used.calls === 0 ? (['leaseUntil'] as const) : []),
  ),
  ...(used.session && { session: used.session }),
  ...pick(used, 'redeemedCode'),
});

const pick = <T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.filter(key => from[key] !== undefined).map(key => [key, from[key]])) as Pick<T, K>;
