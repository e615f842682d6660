import type { News } from './core/news.ts';
import { type ConnectionId, type EpochMs, providerOf } from './core/types.ts';
import type { RefreshReport } from './refresh/report.ts';

/** The source of every event; `docs/events.md` documents them. */
export const EVENT_SOURCE = 'token-refresher';

/** The detail types of the events: see docs/events.md. */
export type ConnectionEventType =
  | 'connected'
  | 'needs attention'
  | 'failing'
  | 'recovered'
  | 'origin changed'
  | 'expiring'
  | 'retired';

/** A change of a connection's state that a person or program may act on. Codes and names only. */
export interface Transition {
  readonly type: ConnectionEventType;
  readonly connection: ConnectionId;
  readonly provider: string;
  readonly at: EpochMs;
  /** The code of the error, if there is one. */
  readonly reason?: string;
  /** The names of the bad credential fields, if the secret is at fault. */
  readonly fields?: readonly string[];
  /** When the published token expires, if there is one. */
  readonly expiresAt?: EpochMs;
  /** When the credentials or the session expire. */
  readonly endsAt?: EpochMs;
  /** The tags in the secret. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The origins that granted the last two tokens, if they differ. */
  readonly originBefore?: string;
  readonly origin?: string;
}

/**
 * The changes that a run made: only a change is an event, not every run that confirms the state. If the store did not
 * take the change, there is no event yet: the next run makes the change again.
 */
export const transitionsOf = (report: RefreshReport, at: EpochMs): readonly Transition[] => {
  const { connection, from, to, error, expiresAt, commitFailed, originChanged, tags } = report;
  if (commitFailed === 'settle') return [];
  const common = {
    ...{ connection, provider: providerOf(connection), at },
    ...(expiresAt !== undefined && { expiresAt }),
    ...(tags && { tags }),
  };
  const type = typeOf(from, to);
  return [
    ...(type ? [{ type, ...common, ...(type !== 'recovered' && type !== 'connected' && reasonOf(error)) }] : []),
    ...(originChanged
      ? [{ type: 'origin changed' as const, ...common, originBefore: originChanged.from, origin: originChanged.to }]
      : []),
  ];
};

const reasonOf = (error: RefreshReport['error']) =>
  error && { reason: error.code, ...(error.fields && { fields: error.fields }) };

const typeOf = (from: RefreshReport['from'], to: RefreshReport['to']): Transition['type'] | undefined => {
  if (from === to) return undefined;
  if (to === 'attention') return 'needs attention';
  if (to === 'failing') return 'failing';
  if (to !== 'healthy') return undefined;
  return from === 'new' ? 'connected' : 'recovered';
};

/** The end of a connection whose secret is gone. */
export const retirement = (connection: ConnectionId, at: EpochMs, tags?: Transition['tags']): Transition => ({
  ...{ type: 'retired', connection, provider: providerOf(connection), at },
  ...(tags && { tags }),
});

/** Of all news the watch publishes only expiries: the refresh that met the others has published them. */
export const expiries = (news: readonly News[], at: EpochMs): readonly Transition[] =>
  news.flatMap(({ record: { connection, expiresAt, labels }, fresh }) =>
    fresh
      .filter(({ kind }) => kind === 'expiring')
      .map(
        ({ at: endsAt }): Transition => ({
          ...{ type: 'expiring', connection, provider: providerOf(connection), at, endsAt },
          ...(expiresAt !== undefined && { expiresAt }),
          ...(labels?.tags && { tags: labels.tags }),
        }),
      ),
  );
