import { expiryOf, isOverdue, LOW_LIFE, lifeLeft, type Paces } from './health.ts';
import { type EpochMs, hours, type Listed, type Milliseconds, minutes, plus, providerOf } from './types.ts';

/** What can be wrong with a connection, as people are told by mail; each has a section in the runbook. */
export type TroubleKind = 'attention' | 'no-token' | 'life-low' | 'overdue' | 'expiring';

export interface ConnectionTrouble {
  readonly kind: TroubleKind;
  /** When it began, or when the connection expires; together with the kind it names one occurrence. */
  readonly at: EpochMs;
  /** So many days ahead at most, if it expires. */
  readonly days?: number;
}

/** Everything that is new about one connection, and all its troubles, to be noted once it is reported. */
export interface News {
  readonly record: Listed;
  readonly fresh: readonly ConnectionTrouble[];
  readonly troubles: readonly string[];
}

const nameOf = ({ kind, at, days }: ConnectionTrouble): string => `${kind}${days ?? ''}@${at}`;

/** People hear of an expiry so many days ahead. */
const AHEAD = [3, 14];

/** What is wrong with a connection now. One that needs attention has that trouble alone: the others follow from it. */
export const troublesOf = (record: Listed, paces: Paces, now: EpochMs): readonly ConnectionTrouble[] => {
  const { connection, status, attentionSince, failingSince, expiresAt, dueAt, retiredAt } = record;
  if (retiredAt !== undefined) return [];
  if (status === 'attention') return [{ kind: 'attention', at: attentionSince ?? dueAt }];
  const pace = paces.get(providerOf(connection));
  const late = pace !== undefined && isOverdue(record, pace, now);
  const isExpired = expiresAt !== undefined && expiresAt <= now;
  const isValid = expiresAt !== undefined && expiresAt > now;
  const isLow = isValid && failingSince !== undefined && lifeLeft(record, pace?.refreshAt ?? 0, now) < LOW_LIFE;
  // A connection that never had a token fails a few times before anybody is told: its provider may be down for a moment.
  const neverHadOne = expiresAt === undefined && failingSince !== undefined && now >= plus(failingSince, NEVER_HAD_ONE);
  return [
    ...(isExpired ? [{ kind: 'no-token' as const, at: expiresAt }] : []),
    ...(neverHadOne ? [{ kind: 'no-token' as const, at: failingSince }] : []),
    ...(isLow ? [{ kind: 'life-low' as const, at: failingSince }] : []),
    ...(late ? [{ kind: 'overdue' as const, at: dueAt }] : []),
    ...expiring(record, now),
  ];
};

const expiring = (record: Listed, now: EpochMs): ConnectionTrouble[] => {
  const at = expiryOf(record);
  const days = at === undefined ? undefined : AHEAD.find(ahead => at - now <= hours(24 * ahead));
  return at === undefined || days === undefined ? [] : [{ kind: 'expiring', at, days }];
};

const NEVER_HAD_ONE: Milliseconds = minutes(10);

/** The connections whose troubles people do not know yet, in the order of their names. */
export const newsOf = (records: Iterable<Listed>, paces: Paces, now: EpochMs): readonly News[] =>
  [...records]
    .toSorted((a, b) => (a.connection < b.connection ? -1 : 1))
    .flatMap(record => {
      const all = troublesOf(record, paces, now);
      const known = new Set(record.reported?.troubles);
      const fresh = all.filter(trouble => !known.has(nameOf(trouble)));
      return fresh.length > 0 ? [{ record, fresh, troubles: all.map(nameOf) }] : [];
    });

/** A mail for each connection, up to so many in a quarter of an hour. */
export const MAILS = 5;
export const QUIET: Milliseconds = minutes(15);

export type Delivery =
  /** One mail for each connection. */
  | 'singly'
  /** One mail about all. */
  | 'summary'
  /** A storm has just been reported: the next summary has all that is new by then. */
  | 'later';

/** How news reaches people: a storm of troubles becomes one summary in a quarter of an hour. */
export const deliveryOf = (news: readonly News[], records: Iterable<Listed>, now: EpochMs): Delivery => {
  const since = now - QUIET;
  const recent = [...records].filter(({ reported }) => reported !== undefined && reported.at > since).length;
  if (recent + news.length <= MAILS) return 'singly';
  return recent > MAILS ? 'later' : 'summary';
};
