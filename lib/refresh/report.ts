import type { ErrorCode } from '../core/errors.ts';
import type { Labels } from '../core/labels.ts';
import type { Warning } from '../core/provider.ts';
import type { ConnectionId, EpochMs, Listed, Milliseconds, Status, Version } from '../core/types.ts';

export type Result =
  /** A new token is published. */
  | 'refreshed'
  /** Another worker holds the lease, or has claimed the connection since: its result counts. */
  | 'lost'
  /** The rate limit of the provider is used up. */
  | 'postponed'
  /** The secret has changed, but not this connection's part of it: no call. */
  | 'unchanged'
  /** Retried automatically. */
  | 'failed'
  /** A person has to act. */
  | 'attention'
  /** The secret was deleted during the run. */
  | 'retired';

/** One run, in codes and numbers only: the source of logs and metrics. */
export interface RefreshReport {
  readonly connection: ConnectionId;
  readonly result: Result;
  readonly from: Status;
  readonly to: Status;
  /** The number of calls to the provider. */
  readonly calls: number;
  readonly took: Milliseconds;
  readonly version?: Version;
  readonly issuedAt?: EpochMs;
  readonly expiresAt?: EpochMs;
  readonly dueAt?: EpochMs;
  readonly error?: { readonly code: ErrorCode; readonly status?: number; readonly fields?: readonly string[] };
  /** The rate limit without a slot in time. */
  readonly exhausted?: string;
  /** The token was issued by another origin than the last one, or consumers call another one. */
  readonly originChanged?: { readonly from: string; readonly to: string };
  /** The class and frames of an exception, without its message. */
  readonly bug?: readonly string[];
  /** The tags in the secret. */
  readonly tags?: Labels['tags'];
  readonly warnings: readonly Warning[];
  /** The tables disagreed: one of them was restored to an earlier state. */
  readonly repaired?: true;
  /**
   * A refresh token that may have been spent was sent: the provider may have ended the published token because of it.
   */
  readonly replayed?: true;
  /** An operator insisted on a login that had been refused: one more wrong try may lock the account. */
  readonly overruled?: true;
  /** The write after the grant that the store did not take. */
  readonly commitFailed?: 'keep' | 'publish' | 'settle';
}

/** The details that a run adds to its report. */
export type Logged = Partial<Omit<RefreshReport, 'connection' | 'result' | 'from' | 'took'>>;

export const reportOf = (
  { connection, status, version, labels }: Listed,
  result: Result,
  logged: Logged,
  took: Milliseconds,
): RefreshReport => ({
  ...{ connection, from: status, to: status, calls: 0, version, warnings: [] },
  ...(labels?.tags && { tags: labels.tags }),
  ...logged,
  ...{ result, took },
});
