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

/** How a provider is served: how often its schedule runs, and the share of a token's life after which it is renewed. */
export type ProviderPace = Pace & Pick<Provider, 'lifetime'>;
/** By provider. */
export type Paces = ReadonlyMap<string, ProviderPace>;

/** What the watch sees of all connections in one look. Nothing of it grows with their number. */
export interface Health {
  readonly connections: number;
  readonly byStatus: Readonly<Record<Status, number>>;
  /** The smallest life left (see `lifeLeft`); 1 without connections. Without those that need attention. */
  readonly lowestLife: number;
  /** The longest overdue (see `overdue`); 0 if nothing is. */
  readonly longestOverdue: number;
  /** How long the connection that fails longest has failed, in milliseconds. Without those that need attention. */
  readonly longestFailing: Milliseconds;
  /** How long until the first of the secrets and sessions expires that have an end: see `expiryOf`. */
  readonly nextExpiry?: Milliseconds;
}

type Life = Pick<Listed, 'connection' | 'issuedAt' | 'expiresAt'>;
type Due = Pick<Listed, 'dueAt' | 'leaseUntil'>;

/**
 * What is left of a token's life, as a share of what it has left when its renewal is due: 1 before the renewal is due, 0
 * for an expired or missing token. The same number means the same for all providers.
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

/** A token with less life left has used up half of the time for its renewal. */
export const LOW_LIFE = 0.5;

/** How long a connection may be due before somebody should know: two ticks, or a tenth of its lifetime. */
export const patienceOf = ({ tick, lifetime, renewWithin = lifetime }: ProviderPace): Milliseconds =>
  Math.max(2 * tick, Math.min(lifetime / 10, renewWithin / 2));

/** How long a connection has been due without a worker, in milliseconds; 0 while a worker has it. */
export const overdue = ({ dueAt, leaseUntil }: Due, now: EpochMs): Milliseconds =>
  leaseUntil !== undefined && leaseUntil > now ? 0 : Math.max(0, now - dueAt);

/** The life that a token needs to have left for a report to come two minutes before it expires. */
const NOTICE = minutes(2) + seconds(80);

/**
 * Whether a connection is so long overdue that a person should know: its schedule does not run, or has too much to do. If
 * its token expires soon, the first missed tick is reported.
 */
export const isOverdue = (record: Due & Pick<Life, 'expiresAt'>, pace: ProviderPace, now: EpochMs): boolean => {
  const waiting = overdue(record, now);
  const expiresSoon = record.expiresAt !== undefined && record.expiresAt - now <= NOTICE;
  return waiting >= (expiresSoon ? Math.min((4 / 3) * pace.tick, patienceOf(pace)) : patienceOf(pace));
};

/**
 * When a person has to act at the latest: the credentials expire, as the secret says; or the session does, if only a person
 * can bring another one and the last refresh did not extend it.
 */
export const expiryOf = ({ labels, session, redeemedCode, version, leaseUntil }: Listed): EpochMs | undefined => {
  const isOnlyCopy = redeemedCode !== undefined && session?.endsAt !== undefined;
  const wasExtended = session === undefined || session.version >= version || leaseUntil !== undefined;
  const ends = [labels?.expires, isOnlyCopy && !wasExtended ? session.endsAt : undefined];
  const known = ends.filter(end => end !== undefined);
  return known.length > 0 ? epochMs(Math.min(...known)) : undefined;
};

/** Judges all connections that are not retired. The records of a provider that is not served count like any other. */
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
