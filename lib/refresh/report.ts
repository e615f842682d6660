import type { ErrorCode } from '../core/errors.ts';
import type { Labels } from '../core/labels.ts';
import type { Warning } from '../core/provider.ts';
import type { ConnectionId, EpochMs, Listed, Milliseconds, Status, Version } from '../core/types.ts';

export type Result =
  /** A new token is published. */
  | 'refreshed'
  /** Someone else had claimed it, or has claimed it since: theirs counts. */
  | 'lost'
  /** The rate limit of the provider is used up. */
  | 'postponed'
  /** The secret has changed, but nothing of this connection: no call. */
  | 'unchanged'
  /** To be tried again by itself. */
  | 'failed'
  /** A person has to act. */
  | 'attention'
  /** The secret went away in the meantime. */
  | 'retired';

/** One run, in codes and numbers only: this is what logs and metrics are made of. */
export interface RefreshReport {
  readonly connection: ConnectionId;
  readonly result: Result;
  readonly from: Status;
  readonly to: Status;
  /** Calls of the provider. */
  readonly calls: number;
  readonly took: Milliseconds;
  readonly version?: Version;
  readonly issuedAt?: EpochMs;
  readonly expiresAt?: EpochMs;
  readonly dueAt?: EpochMs;
  readonly error?: { readonly code: ErrorCode; readonly status?: number; readonly fields?: readonly string[] };
  /** The rate limit that has no slot in time. */
  readonly exhausted?: string;
  /** The token comes from another origin than the one before it, or consumers are sent to another one. */
  readonly originChanged?: { readonly from: string; readonly to: string };
  /** Where an exception came from: its class and frames, without its words. */
  readonly bug?: readonly string[];
  /** Of the secret. */
  readonly tags?: Labels['tags'];
  readonly warnings: readonly Warning[];
  /** The tables did not agree: one of them was restored to an earlier state. */
  readonly repaired?: true;
  /** A refresh token was sent that may have been spent: the provider may have ended the published token for it. */
  readonly replayed?: true;
  /** An operator insisted on a login that had been refused: one more wrong try may lock the account. */
  readonly overruled?: true;
  /** A write after the grant that the store did not take. */
  readonly commitFailed?: 'keep' | 'publish' | 'settle';
}

/** What a run adds to its report. */
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
