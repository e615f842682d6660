import { type ConnectionId, type EpochMs, providerOf } from '../core/types.ts';
import type { RefreshReport } from './refresh.ts';

/** The source of every event; `docs/events.md` documents them. */
export const EVENT_SOURCE = 'token-refresher';

/** A change of a connection's state that somebody may want to act on. Codes and names only. */
export interface Transition {
  readonly type: 'needs attention' | 'failing' | 'recovered';
  readonly connection: ConnectionId;
  readonly provider: string;
  readonly at: EpochMs;
  /** The code of the error, where there is one. */
  readonly reason?: string;
  /** The names of the credential fields at fault, where the secret is. */
  readonly fields?: readonly string[];
  /** When the published token dies, where there is one. */
  readonly expiresAt?: EpochMs;
}

/**
 * What a run changed, if anything: only the change is an event, not every run that confirms it. A change that the store
 * did not take is none: the next run will make it, and nobody is told twice.
 */
export const transitionOf = (report: RefreshReport, at: EpochMs): Transition | undefined => {
  const { connection, from, to, error, expiresAt, commitFailed } = report;
  const type = commitFailed === 'settle' ? undefined : typeOf(from, to);
  if (!type) return undefined;
  return {
    type,
    connection,
    provider: providerOf(connection),
    at,
    ...(error && type !== 'recovered' && { reason: error.code }),
    ...(error?.fields && type !== 'recovered' && { fields: error.fields }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
};

const typeOf = (from: RefreshReport['from'], to: RefreshReport['to']): Transition['type'] | undefined => {
  if (from === to) return undefined;
  if (to === 'attention') return 'needs attention';
  if (to === 'failing') return 'failing';
  return from === 'failing' || from === 'attention' ? 'recovered' : undefined;
};
