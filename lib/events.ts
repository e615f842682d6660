import type { News } from './core/news.ts';
import { type ConnectionId, type EpochMs, providerOf } from './core/types.ts';
import type { RefreshReport } from './refresh/report.ts';

/** The source of every event; `docs/events.md` documents them. */
export const EVENT_SOURCE = 'token-refresher';

/** A change of a connection's state that somebody may want to act on. Codes and names only. */
export interface Transition {
  readonly type: 'connected' | 'needs attention' | 'failing' | 'recovered' | 'origin changed' | 'expiring' | 'retired';
  readonly connection: ConnectionId;
  readonly provider: string;
  readonly at: EpochMs;
  /** The code of the error, where there is one. */
  readonly reason?: string;
  /** The names of the credential fields at fault, where the secret is. */
  readonly fields?: readonly string[];
  /** When the published token expires, if there is one. */
  readonly expiresAt?: EpochMs;
  /** When the credentials or the session expire. */
  readonly endsAt?: EpochMs;
  /** Of the secret. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The origins that granted the last two tokens, if they differ. */
  readonly originBefore?: string;
  readonly origin?: string;
}

/**
 * What a run changed: only a change is an event, not every run that confirms it. A change that the store did not take
 * is none: the next run makes it again, and the event comes once.
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

/** Of all news only an expiry is an event of the watch: the refresh that met the others has published those. */
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
