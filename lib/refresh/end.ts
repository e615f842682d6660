import type { Provider } from '../core/provider.ts';
import { isInGrace, RETIRED_FOR } from '../core/retirement.ts';
import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  hours,
  type Listed,
  type Milliseconds,
  minutes,
  plus,
  seconds,
  type Version,
} from '../core/types.ts';
import type { Clock, ConnectionStore, SendHttp, SessionStore, TokenStore } from '../ports.ts';
import type { CredentialCache } from './credentials.ts';

export interface EndDeps {
  readonly clock: Clock;
  readonly send: SendHttp;
  readonly tokens: TokenStore;
  readonly connections: ConnectionStore;
  readonly sessions: SessionStore;
  readonly credentials: Pick<CredentialCache, 'isGone'>;
}

/** If another secret waits for the name, revoking is tried only this long: the new customer did nothing wrong. */
const GIVE_UP_REPLACED_AFTER = minutes(5);
const LONGEST_PAUSE = hours(24);
const REVOKE_WITHIN = seconds(5);

/**
 * Ends a retired connection: withdraws its token, revokes its session at the provider and forgets it. Repeats this with
 * growing pauses until the provider answers, and once more when no worker can hold the lease any more: a worker may
 * have crashed after it stored a session. `ended`: nothing is left to do. `back`: the secret exists again, or may
 * exist.
 */
export const endConnection = async (
  deps: EndDeps,
  provider: Provider,
  listed: Listed,
): Promise<'ended' | 'later' | 'back'> => {
  const { connection } = listed;
  // The last chance to find that the deletion was undone. Discovery may not run, or may be unable to read the secret.
  if (isInGrace(listed) && !(await deps.credentials.isGone(listed))) return 'back';
  const now = deps.clock.now();
  // From here on, a secret that comes back cannot use anything of this connection. `version` comes from the record
  // itself: everything up to it is removed.
  const record = await deps.connections.beginEnd(connection, { at: now, dueAt: plus(now, pauseOf(listed, now)) });
  if (!record) return 'back';
  const { version, replacedAt = now, leaseUntil = now } = record;
  const revoked = await endAtProvider(deps, provider, connection, version, record);
  const done = revoked || now - replacedAt >= GIVE_UP_REPLACED_AFTER;
  if (done) await deps.sessions.forget(connection, version);
  if (!done || leaseUntil > now) return 'later';
  await deps.connections.end(connection, version, now);
  return 'ended';
};

/** The pause until the next try: longer than any lease that is left, and growing, unless another secret waits. */
const pauseOf = ({ endingAt, replacedAt }: Listed, now: EpochMs): Milliseconds =>
  endingAt === undefined || replacedAt !== undefined
    ? minutes(1)
    : Math.min(LONGEST_PAUSE, Math.max(minutes(1), now - endingAt));

/**
 * Removes what a worker wrote after the end of its connection was due or even complete. Does nothing in the grace
 * period: if the secret comes back, all of it is valid.
 */
export const endLate = async (
  deps: EndDeps,
  provider: Provider,
  record: Connection | undefined,
  late: { readonly connection: ConnectionId; readonly mine: Version; readonly startedAt: EpochMs },
): Promise<void> => {
  if (record) {
    await endConnection(deps, provider, record);
    return;
  }
  // A record that went sooner was deleted by hand: discovery adds it again and uses its session.
  if (deps.clock.now() - late.startedAt < RETIRED_FOR) return;
  await endAtProvider(deps, provider, late.connection, late.mine);
  await deps.sessions.forget(late.connection, late.mine);
};

/**
 * Withdraws the token first: nobody may read it, whatever the provider answers. Returns whether nothing is left to
 * revoke. Token and session are revoked at the address that issued them. A token whose address is not known expires by
 * itself.
 */
const endAtProvider = async (
  deps: Omit<EndDeps, 'connections' | 'clock' | 'credentials'>,
  provider: Provider,
  connection: ConnectionId,
  upTo: Version,
  record?: Pick<Connection, 'issuedAt' | 'base'>,
): Promise<boolean> => {
  const token = provider.revoke && (await deps.tokens.get(connection));
  await deps.tokens.withdraw(connection, upTo);
  if (!provider.revoke) return true;
  const stored = await deps.sessions.get(connection);
  const session = stored && stored.version <= upTo ? stored.session : undefined;
  const { send } = deps;
  const { revoke, callDeadline = REVOKE_WITHIN } = provider;
  const within = Math.max(REVOKE_WITHIN, callDeadline);
  const revoked = async (base: string, value: string): Promise<boolean> => {
    const reply = await send(revoke(base, value), within);
    return reply.kind === 'answer' && isVerdict(reply.status);
  };
  // Revoked once: after its withdrawal no later run can read it.
  if (token && token.version <= upTo) {
    const base = record?.issuedAt === token.issuedAt ? record.base : stored?.version === token.version && session?.base;
    if (base) await revoked(base, token.accessToken);
  }
  return session === undefined || revoked(session.base, session.refreshToken);
};

/** A redirect, or a status that asks for a retry, does not count as an answer about the token. */
const isVerdict = (status: number): boolean =>
  (status < 300 || status >= 400) && status < 500 && ![408, 425, 429].includes(status);
