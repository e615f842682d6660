import { fingerprint } from './fingerprint.ts';
import { isEnough, type Policy } from './policy.ts';
import type { Account, Grant, Provider } from './provider.ts';
import {
  type Connection,
  type EpochMs,
  type Listed,
  type Milliseconds,
  plus,
  type SecretVersion,
  type Session,
  type Token,
} from './types.ts';

/** Whether to refresh a connection now, and why. If not: why not, and until when if that is known. */
export type Decision =
  | {
      readonly action: 'refresh';
      readonly reason: 'due' | 'credentials_changed' | 'requested' | 'nothing_to_lose' | 'forced' | 'operator';
    }
  | Wait<WaitReason>;
type Wait<R> = R extends WaitReason ? { readonly action: 'wait'; readonly reason: R; readonly until?: EpochMs } : never;
export type WaitReason =
  | 'retired'
  | 'leased'
  | 'attention'
  | 'backing_off'
  | 'not_due'
  | 'fresh'
  | 'renewed'
  | 'forced_recently'
  | 'too_early';

/** A request for a connection from outside the schedule. */
export type Demand =
  /** A token that is valid for `minTtl`. */
  | { readonly kind: 'ifNeeded'; readonly minTtl: Milliseconds }
  /** A newer token than the one issued at `issuedAt`, which the provider refused. */
  | { readonly kind: 'force'; readonly issuedAt: EpochMs }
  /** An operator wants a new token in any case. */
  | { readonly kind: 'operator' };
export type DemandDecision = Exclude<Decision, { readonly reason: 'not_due' }>;

/** For the schedule: everything that is due, and everything whose credentials changed since they were last tried. */
export const decideDue = (connection: Listed, now: EpochMs): Decision => {
  const held = unavailable(connection, now);
  if (held) return held;
  if (credentialsChanged(connection)) return { action: 'refresh', reason: 'credentials_changed' };
  if (connection.dueAt <= now) return { action: 'refresh', reason: 'due' };
  return resting(connection) ?? { action: 'wait', reason: 'not_due', until: connection.dueAt };
};

/** The lifetime of a published token. */
export type Published = Pick<Token, 'issuedAt' | 'expiresAt'>;

/**
 * `published` comes from the table `Tokens` and decides. The record may come from another state of the tables, or lag
 * behind a worker that has not settled yet.
 */
export const decideDemand = (
  connection: Connection,
  published: Published | undefined,
  now: EpochMs,
  demand: Demand,
  policy: Policy,
): DemandDecision => {
  const decision = decideKind(connection, published, now, demand, policy);
  // Before that the provider refuses the refresh token, and a person would have to bring another one.
  const from = connection.redeemedCode && renewableFrom(published ?? connection, policy);
  return decision.action === 'refresh' && from && from > now
    ? { action: 'wait', reason: 'too_early', until: from }
    : decision;
};

const decideKind = (
  connection: Connection,
  published: Published | undefined,
  now: EpochMs,
  demand: Demand,
  policy: Policy,
): DemandDecision => {
  switch (demand.kind) {
    case 'ifNeeded':
      return decideAsked(connection, published, now, demand.minTtl, policy);
    case 'force':
      return decideForced(connection, published, now, demand.issuedAt, policy);
    case 'operator':
      return unavailable(connection, now) ?? { action: 'refresh', reason: 'operator' };
  }
};

/**
 * For a reader who wants `minTtl`: refresh only if the token has less time left than the schedule promises. A
 * connection that is due but has enough time left waits for the schedule.
 */
const decideAsked = (
  connection: Connection,
  published: Published | undefined,
  now: EpochMs,
  minTtl: Milliseconds,
  policy: Policy,
): DemandDecision => {
  const due = decideDue(connection, now);
  if (due.action === 'wait' && due.reason === 'attention' && waitsForNothing(connection, published, now)) {
    return { action: 'refresh', reason: 'nothing_to_lose' };
  }
  if (due.action === 'wait' && due.reason !== 'not_due') return due;
  if (published && isEnough(policy, published, minTtl, now)) return { action: 'wait', reason: 'fresh' };
  return due.action === 'refresh' ? due : { action: 'refresh', reason: 'requested' };
};

/** Whether a refresh token in doubt is held back although there is no valid token to protect. */
const waitsForNothing = ({ session, expiresAt }: Connection, published: Published | undefined, now: EpochMs): boolean =>
  session?.inDoubt === true &&
  expiresAt !== undefined &&
  expiresAt > now &&
  (published === undefined || published.expiresAt <= now);

/**
 * For a consumer whose token the provider refused: refresh only if it is still the current token, not too often, and
 * not if the provider refused the credentials. If only a person can bring the connection back, nothing is lost by
 * trying.
 */
const decideForced = (
  connection: Connection,
  published: Published | undefined,
  now: EpochMs,
  refused: EpochMs,
  policy: Policy,
): DemandDecision => {
  const held = unavailable(connection, now);
  if (held?.action === 'wait' && held.reason === 'retired') return held;
  if (published && published.issuedAt !== refused && published.expiresAt > now)
    return { action: 'wait', reason: 'renewed' };
  const due = decideDue(connection, now);
  const isLast = due.action === 'wait' && due.reason === 'attention' && connection.redeemedCode !== undefined;
  if (due.action === 'wait' && due.reason !== 'not_due' && !isLast) return due;
  const again = connection.forcedAt === undefined ? now : plus(connection.forcedAt, policy.forcedSpacing);
  return again > now
    ? { action: 'wait', reason: 'forced_recently', until: again }
    : { action: 'refresh', reason: 'forced' };
};

const unavailable = (connection: Listed, now: EpochMs): Wait<'retired' | 'leased'> | undefined => {
  if (connection.retiredAt !== undefined) return { action: 'wait', reason: 'retired' };
  const { leaseUntil } = connection;
  return leaseUntil !== undefined && leaseUntil > now
    ? { action: 'wait', reason: 'leased', until: leaseUntil }
    : undefined;
};

const resting = (connection: Listed): Wait<'attention' | 'backing_off'> | undefined => {
  if (connection.status === 'attention') return { action: 'wait', reason: 'attention', until: connection.dueAt };
  if (connection.failures > 0) return { action: 'wait', reason: 'backing_off', until: connection.dueAt };
  return undefined;
};

/** A transient failure backs off no matter which credentials it met. */
const credentialsChanged = (connection: Listed): boolean =>
  connection.status !== 'failing' &&
  connection.discoveredVersion !== undefined &&
  connection.discoveredVersion !== connection.usedVersion &&
  connection.discoveredVersion !== connection.settledVersion;

/**
 * The newest version of the secret in the record: the one that discovery noted, or a newer one that a run has read
 * since.
 */
export const latestVersion = ({ discoveredVersion, usedVersion, settledVersion }: Listed): SecretVersion | undefined =>
  discoveredVersion === settledVersion ? usedVersion : discoveredVersion;

/**
 * The grant that a run begins with. `irreplaceable`: the refresh token is, or may be, the only copy of access.
 * `thenTryCode`: if that refresh token is refused, there is a one-time code to try.
 */
export type Choice =
  | { readonly grant: Extract<Grant, 'login'>; readonly reason: LoginReason }
  | {
      readonly grant: Extract<Grant, 'refresh'>;
      readonly refreshToken: string;
      readonly irreplaceable: boolean;
      readonly thenTryCode?: boolean;
    }
  | { readonly grant: 'none'; readonly code: 'code_already_redeemed' };
export type LoginReason =
  | 'no_session'
  | 'abandoned'
  | 'new_credentials'
  | 'session_over'
  | 'refresh_failing'
  | 'too_early'
  | 'would_not_lengthen';

/** A session that is bound to the credentials. */
export interface HeldSession {
  readonly session: Session;
  /** The record does not note it: a worker stored it and crashed, or the record was restored from an earlier state. */
  readonly isLeft: boolean;
  /** Its refresh token was sent, or may have been, and the answer is not known. */
  readonly mayBeSpent: boolean;
}

/** After this many failed runs in a row, log in instead of using the refresh token. */
const SESSION_PATIENCE = 3;

/**
 * Whether a run may find a session: the record notes one, a worker may have crashed after storing one, or the
 * connection never ran and an earlier record may have been deleted by hand.
 */
export const mayHoldSession = (before: Connection): boolean =>
  before.session !== undefined || before.leaseUntil !== undefined || before.usedVersion === undefined;

/**
 * Choose the refresh grant only if the session exists, is unspent, has time left and would lengthen the token's life.
 */
export const chooseGrant = (
  /** As it was before this run claimed it. */
  before: Connection,
  held: HeldSession | undefined,
  credentials: { readonly account: Account; readonly fingerprint: string },
  provider: Provider,
  now: EpochMs,
): Choice => {
  const { account } = credentials;
  const session = held?.session;
  const loginSpent = account.oneTimeCode !== undefined && fingerprint(account.oneTimeCode) === before.redeemedCode;
  if (!session || !account.refresh) {
    return loginSpent ? { grant: 'none', code: 'code_already_redeemed' } : { grant: 'login', reason: 'no_session' };
  }
  if (loginSpent) return { grant: 'refresh', refreshToken: session.refreshToken, irreplaceable: true };
  // This code was refused, or redeemed by a worker that then crashed, or redeemed according to a lost record.
  // Redeeming it again would end the session that it gave.
  const { usedVersion, credentials: tried } = before;
  const codeTried = held.isLeft || usedVersion === undefined || credentials.fingerprint === tried;
  if (account.oneTimeCode !== undefined && codeTried) {
    return { grant: 'refresh', refreshToken: session.refreshToken, irreplaceable: true, thenTryCode: true };
  }

  if (held.mayBeSpent) return { grant: 'login', reason: 'abandoned' };
  if (credentials.fingerprint !== before.credentials) return { grant: 'login', reason: 'new_credentials' };
  if (session.endsAt !== undefined && session.endsAt <= now) return { grant: 'login', reason: 'session_over' };
  const life = realLifetime(before, provider);
  const reach = Math.min(session.endsAt ?? Number.POSITIVE_INFINITY, now + life);
  if (!lengthens(before, reach, life)) return { grant: 'login', reason: 'would_not_lengthen' };
  // The refresh grant may fail for reasons that do not affect a login.
  if (before.failures >= SESSION_PATIENCE) return { grant: 'login', reason: 'refresh_failing' };
  if (isTooEarly(before, provider, now)) return { grant: 'login', reason: 'too_early' };
  return { grant: 'refresh', refreshToken: session.refreshToken, irreplaceable: false };
};

/** The provider renews tokens only near their end, and this token is not there yet. */
export const isTooEarly = (before: Connection, provider: Provider, now: EpochMs): boolean =>
  (renewableFrom(before, provider) ?? now) > now;

/** When the provider begins to renew a token; undefined if it always does. */
const renewableFrom = (
  { expiresAt }: Pick<Connection, 'expiresAt'>,
  { renewWithin }: Pick<Provider, 'renewWithin'>,
): EpochMs | undefined =>
  expiresAt === undefined || renewWithin === undefined ? undefined : plus(expiresAt, -renewWithin);

/** A renewal that adds less than a tenth of a lifetime does not count: the session is at its end. */
export const lengthens = (before: Connection, reach: number, life: Milliseconds): boolean =>
  before.expiresAt === undefined || reach - before.expiresAt >= life / 10;

/** The lifetime that a login would give: that of the last token if known, otherwise the documented one. */
export const realLifetime = (before: Connection, provider: Provider): Milliseconds =>
  before.issuedAt === undefined || before.expiresAt === undefined
    ? provider.lifetime
    : before.expiresAt - before.issuedAt;
