import { expiryOf, isOverdue, LOW_LIFE, lifeLeft, type Paces } from './health.ts';
import { type EpochMs, hours, type Listed, type Milliseconds, minutes, plus, providerOf } from './types.ts';

/** The troubles of a connection that mails report; each has a section in the runbook. */
export type TroubleKind = 'attention' | 'no-token' | 'life-low' | 'overdue' | 'expiring';

export interface ConnectionTrouble {
  readonly kind: TroubleKind;
  /** When it began, or when the connection expires; kind and time together identify one occurrence. */
  readonly at: EpochMs;
  /** If it expires: at most this many days ahead. */
  readonly days?: number;
}

/** Everything new about one connection, and all its troubles, to be noted once it is reported. */
export interface News {
  readonly record: Listed;
  readonly fresh: readonly ConnectionTrouble[];
  readonly troubles: readonly string[];
}

/** The pace of a provider that the deployment does not serve. */
const UNSERVED = { refreshAt: 0 };

const nameOf = ({ kind, at, days }: ConnectionTrouble): string => `${kind}${days ?? ''}@${at}`;

/** Mails report an expiry this many days ahead. */
const AHEAD = [3, 14];

/** The troubles of a connection now. What follows from its need of attention is not listed separately. */
export const troublesOf = (record: Listed, paces: Paces, now: EpochMs): readonly ConnectionTrouble[] => {
  const { status, attentionSince, dueAt, retiredAt } = record;
  if (retiredAt !== undefined) return [];
  const stopped = status === 'attention' ? [{ kind: 'attention' as const, at: attentionSince ?? dueAt }] : undefined;
  return [...(stopped ?? tokenTroubles(record, paces, now)), ...expiring(record, now)];
};

const tokenTroubles = (record: Listed, paces: Paces, now: EpochMs): readonly ConnectionTrouble[] => {
  const { connection, failingSince, issuedAt, expiresAt, dueAt } = record;
  const pace = paces.get(providerOf(connection));
  const late = pace !== undefined && isOverdue(record, pace, now);
  // A worker that always crashes after its claim leaves no failure: the remaining life of the token shows it.
  const isLow = lifeLeft(record, pace ?? UNSERVED, now) < LOW_LIFE && (failingSince !== undefined || !late);
  // A new connection has to fail for some time before a mail: its provider may be down for a moment.
  const neverHadOne = expiresAt === undefined && failingSince !== undefined && now >= plus(failingSince, NEVER_HAD_ONE);
  const isExpired = expiresAt !== undefined && expiresAt <= now;
  const isValid = issuedAt !== undefined && expiresAt !== undefined && expiresAt > now;
  return [
    ...(isExpired ? [{ kind: 'no-token' as const, at: expiresAt }] : []),
    ...(neverHadOne ? [{ kind: 'no-token' as const, at: failingSince }] : []),
    ...(isValid && isLow
      ? [
          {
            kind: 'life-low' as const,
            at: failingSince ?? plus(issuedAt, (expiresAt - issuedAt) * (pace ?? UNSERVED).refreshAt),
          },
        ]
      : []),
    ...(late ? [{ kind: 'overdue' as const, at: dueAt }] : []),
  ];
};

const expiring = (record: Listed, now: EpochMs): ConnectionTrouble[] => {
  const at = expiryOf(record);
  const days = at === undefined ? undefined : AHEAD.find(ahead => at - now <= hours(24 * ahead));
  return at === undefined || days === undefined ? [] : [{ kind: 'expiring', at, days }];
};

const NEVER_HAD_ONE: Milliseconds = minutes(10);

/** The connections with troubles that are not reported yet, sorted by name. */
export const newsOf = (records: Iterable<Listed>, paces: Paces, now: EpochMs): readonly News[] =>
  [...records]
    .toSorted((a, b) => (a.connection < b.connection ? -1 : 1))
    .flatMap(record => freshOf(record, troublesOf(record, paces, now), record.reported?.troubles));

/** The connections that will expire and have no event about it yet. */
export const expiriesOf = (records: Iterable<Listed>, now: EpochMs): readonly News[] =>
  [...records]
    .filter(({ retiredAt }) => retiredAt === undefined)
    .flatMap(record => freshOf(record, expiring(record, now), record.reported?.published));

const freshOf = (record: Listed, all: readonly ConnectionTrouble[], known: readonly string[] = []): News[] => {
  const fresh = all.filter(trouble => !known.includes(nameOf(trouble)));
  return fresh.length > 0 ? [{ record, fresh, troubles: all.map(nameOf) }] : [];
};

/** At most this many single mails in a quarter of an hour. */
export const MAILS = 5;
export const QUIET: Milliseconds = minutes(15);

export interface Delivery {
  /** One mail for each connection, or one about all. */
  readonly how: 'singly' | 'summary';
  /** What goes out now. */
  readonly news: readonly News[];
}

/**
 * How news reaches people. Many troubles at once become one summary. For a quarter of an hour, further news of the same
 * providers waits for the next summary. The news of other providers does not wait.
 */
export const deliveryOf = (news: readonly News[], records: Iterable<Listed>, now: EpochMs): Delivery => {
  const since = now - QUIET;
  const recent = [...records].filter(({ reported }) => reported?.at !== undefined && reported.at > since);
  const isStorm = recent.length > MAILS;
  const stormy = new Set(isStorm ? recent.map(({ connection }) => providerOf(connection)) : []);
  const open = news.filter(({ record }) => !stormy.has(providerOf(record.connection)));
  const count = open.length + (isStorm ? 0 : recent.length);
  return { how: count <= MAILS || open.length === 1 ? 'singly' : 'summary', news: open };
};
