import { fingerprint } from './fingerprint.ts';
import { isEnough, type Policy } from './policy.ts';
import type { Account, Grant, Provider } from './provider.ts';
import {
  type Connection,
  type EpochMs,
  epochMs,
  type Listed,
  type Milliseconds,
  plus,
  type SecretVersion,
  type Session,
  type Token,
} from './types.ts';

/** Whether to refresh a connection now, and why; or why not, and until when where that is known. */
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

/** What somebody outside the schedule wants of a connection. */
export type Demand =
  /** A token that is valid for `minTtl`. */
  | { readonly kind: 'ifNeeded'; readonly minTtl: Milliseconds }
  /** A newer token than the one of `issuedAt`, which the provider refused. */
  | { readonly kind: 'force'; readonly issuedAt: EpochMs }
  /** An operator wants a new one, whatever is known. */
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

/** The life of a published token. */
export type Published = Pick<Token, 'issuedAt' | 'expiresAt'>;

/**
 * `published` is what the table `Tokens` holds, which decides: the record may be of another state of the tables, or lag
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
  const from = possibleFrom(connection, published, policy);
  return decision.action === 'refresh' && from > now ? { action: 'wait', reason: 'too_early', until: from } : decision;
};

/**
 * When the provider renews the token of a connection that cannot log in again: sent earlier, its refresh token is refused,
 * and a person would have to bring another one.
 */
const possibleFrom = (
  { redeemedCode, expiresAt }: Connection,
  published: Published | undefined,
  { renewWithin }: Policy,
): EpochMs => {
  const end = published?.expiresAt ?? expiresAt;
  const isBound = renewWithin !== undefined && redeemedCode !== undefined && end !== undefined;
  return isBound ? plus(end, -renewWithin) : epochMs(0);
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
 * For a reader who wants `minTtl`: only if the token has less time left than can be promised. What is due and has
 * enough waits for the schedule.
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

/** A refresh token in doubt is not sent, to protect a token that is not there. */
const waitsForNothing = ({ session, expiresAt }: Connection, published: Published | undefined, now: EpochMs): boolean =>
  session?.inDoubt === true &&
  expiresAt !== undefined &&
  expiresAt > now &&
  (published === undefined || published.expiresAt <= now);

/**
 * For a consumer whose token the provider refused: only if that is still the token, not too often, and not against a
 * provider that said no. If only a person can bring the connection back, the refused token has nothing left to lose.
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

/** A transient failure backs off whichever credentials it was met with. */
const credentialsChanged = (connection: Listed): boolean =>
  connection.status !== 'failing' &&
  connection.discoveredVersion !== undefined &&
  connection.discoveredVersion !== connection.usedVersion &&
  connection.discoveredVersion !== connection.settledVersion;

/** The newest version of its secret that a record knows of: the one that discovery noted, or that a run has read since. */
export const latestVersion = ({ discoveredVersion, usedVersion, settledVersion }: Listed): SecretVersion | undefined =>
  discoveredVersion === settledVersion ? usedVersion : discoveredVersion;

/**
 * Which grant a run begins with. `irreplaceable` marks a refresh token that is, or may be, the only copy of access; `thenTryCode`
 * that there is a one-time code to try once that refresh token is refused.
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
  /** The record does not know of it: a worker stored it and died, or the record is of an earlier state. */
  readonly isLeft: boolean;
  /** Its refresh token was sent, or may have been, and no answer is known. */
  readonly mayBeSpent: boolean;
}

/** So many failed runs in a row, and the login is tried in place of the refresh token. */
const SESSION_PATIENCE = 3;

/**
 * Whether a run may find a session: the record notes one, or a worker may have died after it kept one, or the record
 * never ran, so that one before it may have been deleted by hand.
 */
export const mayHoldSession = (before: Connection): boolean =>
  before.session !== undefined || before.leaseUntil !== undefined || before.usedVersion === undefined;

/** The refresh grant only if a session is held, is unspent, has time left and would lengthen the token's life. */
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
  // A code that was refused, or that a worker redeemed and then died, or that a lost record knew to be redeemed:
  // redeeming it again would end the session that it gave.
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
  // The refresh grant may have troubles of its own that a login does not share.
  if (before.failures >= SESSION_PATIENCE) return { grant: 'login', reason: 'refresh_failing' };
  if (isTooEarly(before, provider, now)) return { grant: 'login', reason: 'too_early' };
  return { grant: 'refresh', refreshToken: session.refreshToken, irreplaceable: false };
};

/** The provider renews tokens only near their end, and this one is not there yet. */
export const isTooEarly = ({ expiresAt }: Connection, { renewWithin }: Provider, now: EpochMs): boolean =>
  renewWithin !== undefined && expiresAt !== undefined && expiresAt - now > renewWithin;

/** A renewal that adds less than a tenth of a lifetime adds nothing: a session that only does that is at its wall. */
export const lengthens = (before: Connection, reach: number, life: Milliseconds): boolean =>
  before.expiresAt === undefined || reach - before.expiresAt >= life / 10;

/** What a login would give: the documented lifetime, or the last token's where that is known. */
export const realLifetime = (before: Connection, provider: Provider): Milliseconds =>
  before.issuedAt === undefined || before.expiresAt === undefined
    ? provider.lifetime
    : before.expiresAt - before.issuedAt;
