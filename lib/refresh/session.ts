import { type HeldSession, mayHoldSession } from '../core/decide.ts';
import type { Connection, Session, SessionNote, Token, Version } from '../core/types.ts';
import type { SessionStore, TokenStore } from '../ports.ts';
import type { Credentials } from './credentials.ts';

export interface UsableSession extends HeldSession {
  readonly version: Version;
}

/** The stored session and token that a run finds. */
export interface Found {
  /** The stored session, if it is bound to the credentials of this run. */
  readonly held?: UsableSession;
  /** The stored session as the record notes it. */
  readonly note?: SessionNote | undefined;
  /**
   * The session belongs to other credentials. It stays until a grant brings another: an edit of the secret may be
   * undone.
   */
  readonly isForeign: boolean;
  /** The published token; only read if a session may exist. */
  readonly published?: Token | undefined;
}

/** Loads the session of a connection, if there may be one. Rejects if the stores do. */
export const findSession = async (
  { tokens, sessions }: { readonly tokens: Pick<TokenStore, 'get'>; readonly sessions: SessionStore },
  before: Connection,
  { account, binding }: Credentials,
): Promise<Found> => {
  const { connection } = before;
  const mayHold = account.refresh !== undefined && mayHoldSession(before);
  const published = mayHold || account.oneTimeCode !== undefined ? await tokens.get(connection) : undefined;
  if (!mayHold) return { note: before.session, isForeign: false, published };
  const stored = await sessions.get(connection);
  const isLost = before.session !== undefined && (stored?.version ?? 0) < before.session.version;
  if (!stored?.session || isLost) return { isForeign: false, published };
  const { version, session } = stored;
  const mayBeSpent = isPerhapsSpent(before, version, published);
  const isForeign = session.binding !== binding;
  const note = noteOf(session, version, mayBeSpent && (isForeign || account.oneTimeCode !== undefined));
  if (isForeign) return { note, isForeign, published };
  const isLeft = version > (before.session?.version ?? 0);
  return { held: { version, session, isLeft, mayBeSpent }, note, isForeign, published };
};

const isPerhapsSpent = (before: Connection, version: Version, published: Token | undefined): boolean => {
  const wasAbandoned = before.leaseUntil !== undefined;
  // A claim adds one to the version: this is the version before it.
  const isUnspent = !wasAbandoned || version >= before.version - 1;
  return isOlderThanToken(before, version, published) || !isUnspent || before.session?.inDoubt === true;
};

/**
 * Whether record and session are both an earlier state of their table: the record does not note the published token,
 * and that token is newer than the session. The versions of record and token do not show it: each claim since has added
 * one.
 */
const isOlderThanToken = (before: Connection, session: Version | undefined, published: Token | undefined): boolean =>
  published !== undefined && published.issuedAt !== before.issuedAt && published.version > (session ?? 0);

/** Whether a code was redeemed although the record, restored from an earlier state, does not note it. */
export const isCodeSpent = (before: Connection, { account }: Credentials, found: Found): boolean =>
  account.oneTimeCode !== undefined &&
  !found.isForeign &&
  !found.held &&
  isOlderThanToken(before, undefined, found.published);

/** What the record says about a session. */
export const noteOf = ({ endsAt }: Session, version: Version, inDoubt = false): SessionNote => ({
  version,
  ...(endsAt !== undefined && { endsAt }),
  ...(inDoubt && { inDoubt: true }),
});
