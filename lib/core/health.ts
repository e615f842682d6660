import { defaultPolicy, type Pace, renewalOf } from './policy.ts';
import type { Provider } from './provider.ts';
import {
  type EpochMs,
  epochMs,
  type Listed,
  type Milliseconds,
  minutes,
  providerOf,
  type Status,
  seconds,
} from './types.ts';

/** How often a provider's schedule runs, and the share of a token's life after which it is renewed. */
export type ProviderPace = Pace & Pick<Provider, 'lifetime'>;
/** By provider. */
export type Paces = ReadonlyMap<string, ProviderPace>;

/** What the watch sees of all connections at one time. Its size does not grow with their number. */
export interface Health {
  readonly connections: number;
  readonly byStatus: Readonly<Record<Status, number>>;
  /** The smallest life left (see `lifeLeft`); 1 without connections. Leaves out connections that need attention. */
  readonly lowestLife: number;
  /** The longest overdue (see `overdue`); 0 if none is overdue. */
  readonly longestOverdue: number;
  /** The duration of the longest failure, in milliseconds. Leaves out connections that need attention. */
  readonly longestFailing: Milliseconds;
  /** The time until the first credentials or session expire: see `expiryOf`. */
  readonly nextExpiry?: Milliseconds;
}

type Life = Pick<Listed, 'connection' | 'issuedAt' | 'expiresAt'>;
type Due = Pick<Listed, 'dueAt' | 'leaseUntil'>;

/**
 * The rest of a token's life, as a share of the rest when its renewal is due: 1 before the renewal is due, 0 for an
 * expired or missing token. The number means the same for all providers.
 */
export const lifeLeft = (
  { connection, issuedAt, expiresAt }: Life,
  { refreshAt, renewWithin }: Pick<ProviderPace, 'refreshAt' | 'renewWithin'>,
  now: EpochMs,
): number => {
  if (issuedAt === undefined || expiresAt === undefined || expiresAt <= now) return 0;
  const policy = { ...defaultPolicy, floor: 0, refreshAt, ...(renewWithin !== undefined && { renewWithin }) };
  return Math.min(1, (expiresAt - now) / (expiresAt - renewalOf(policy, connection, issuedAt, expiresAt)));
};

/** Below this, half of the time for a renewal has passed. */
export const LOW_LIFE = 0.5;

/** How long a connection may be due before a person is notified: two ticks, or a tenth of its lifetime. */
export const patienceOf = ({ tick, lifetime, renewWithin = lifetime }: ProviderPace): Milliseconds =>
  Math.max(2 * tick, Math.min(lifetime / 10, renewWithin / 2));

/** How long a connection has been due without a worker, in milliseconds; 0 while a worker holds the lease. */
export const overdue = ({ dueAt, leaseUntil }: Due, now: EpochMs): Milliseconds =>
  leaseUntil !== undefined && leaseUntil > now ? 0 : Math.max(0, now - dueAt);

/** A report needs this much life left to arrive two minutes before the token expires. */
const NOTICE = minutes(2) + seconds(80);

/**
 * Whether a connection is so long overdue that a person must be notified: its schedule does not run, or has too much to
 * do. If its token expires soon, the first missed tick is reported.
 */
export const isOverdue = (record: Due & Pick<Life, 'expiresAt'>, pace: ProviderPace, now: EpochMs): boolean => {
  const waiting = overdue(record, now);
  const expiresSoon = record.expiresAt !== undefined && record.expiresAt - now <= NOTICE;
  return waiting >= (expiresSoon ? Math.min((4 / 3) * pace.tick, patienceOf(pace)) : patienceOf(pace));
};

/**
 * The latest time for a person to act: the credentials expire according to the secret, or the session ends, if only a
 * person can bring another one and the last refresh did not extend it.
 */
export const expiryOf = ({ labels, session, redeemedCode, version, leaseUntil }: Listed): EpochMs | undefined => {
  const isOnlyCopy = redeemedCode !== undefined && session?.endsAt !== undefined;
  const wasExtended = session === undefined || session.version >= version || leaseUntil !== undefined;
  const ends = [labels?.expires, isOnlyCopy && !wasExtended ? session.endsAt : undefined];
  const known = ends.filter(end => end !== undefined);
  return known.length > 0 ? epochMs(Math.min(...known)) : undefined;
};

/** Judges all connections that are not retired. Records of a provider that the deployment does not serve count too. */
export const judge = (records: Iterable<Listed>, paces: Paces, now: EpochMs): Health => {
  const byStatus: Record<Status, number> = { new: 0, healthy: 0, failing: 0, attention: 0 };
  let connections = 0;
  let lowestLife = 1;
  let longestOverdue = 0;
  let longestFailing = 0;
  let nextExpiry: Milliseconds | undefined;
  for (const record of records) {
    if (record.retiredAt !== undefined) continue;
    const pace = paces.get(providerOf(record.connection)) ?? DEFAULT_PACE;
    connections += 1;
    byStatus[record.status] += 1;
    longestOverdue = Math.max(longestOverdue, overdue(record, now) / patienceOf(pace));
    const end = expiryOf(record);
    if (end !== undefined) nextExpiry = Math.min(nextExpiry ?? end - now, end - now);
    if (record.status === 'attention') continue;
    // A connection that was never tried is judged by how long it has been due.
    if (record.status !== 'new') lowestLife = Math.min(lowestLife, lifeLeft(record, pace, now));
    if (record.failingSince !== undefined) longestFailing = Math.max(longestFailing, now - record.failingSince);
  }
  return {
    ...{ connections, byStatus, lowestLife, longestOverdue, longestFailing },
    ...(nextExpiry !== undefined && { nextExpiry }),
  };
};

const DEFAULT_PACE: ProviderPace = { ...defaultPolicy, lifetime: minutes(60) };
