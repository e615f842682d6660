import type { Provider } from '../core/provider.ts';
import {
  type ConnectionId,
  type EpochMs,
  hours,
  type Listed,
  minutes,
  plus,
  seconds,
  type Version,
} from '../core/types.ts';
import type { Clock, ConnectionStore, SendHttp, SessionStore, TokenStore } from './ports.ts';

export interface EndDeps {
  readonly clock: Clock;
  readonly send: SendHttp;
  readonly tokens: TokenStore;
  readonly connections: ConnectionStore;
  readonly sessions: SessionStore;
}

/** A provider that does not answer for so long after the retirement is not asked again. */
const GIVE_UP_AFTER = hours(24);
/** Nor is it for so long if another secret waits for the name: its customer did nothing wrong. */
const GIVE_UP_REPLACED_AFTER = minutes(5);
const LONGEST_PAUSE = hours(1);
const REVOKE_WITHIN = seconds(5);

/**
 * Ends a retired connection: its token is withdrawn, its session revoked at the provider and forgotten. Repeated, with
 * growing pauses, until the provider has answered, and once more when no worker can hold the connection any more: it may
 * die after it has kept a session. `ended`: nothing is left to do.
 */
export const endConnection = async (deps: EndDeps, provider: Provider, record: Listed): Promise<'ended' | 'later'> => {
  const { connection, version } = record;
  const now = deps.clock.now();
  const { retiredAt = now, replacedAt = now } = record;
  const since = now - retiredAt;
  const leaseUntil = record.leaseUntil ?? now;
  const revoked = await endAtProvider(deps, provider, connection, version);
  const done = revoked || since >= GIVE_UP_AFTER || now - replacedAt >= GIVE_UP_REPLACED_AFTER;
  if (done) await deps.sessions.forget(connection, version);
  if (!done || leaseUntil > now) {
    const pause = record.replacedAt === undefined ? Math.min(LONGEST_PAUSE, Math.max(minutes(1), since)) : minutes(1);
    const next = plus(now, pause);
    await deps.connections.endLater(connection, leaseUntil > next ? leaseUntil : next);
    return 'later';
  }
  await deps.connections.end(connection, now);
  return 'ended';
};

/** Takes back what a worker brought after its connection was retired, perhaps after it had ended. */
export const endLate = async (
  deps: EndDeps,
  provider: Provider,
  record: Listed | undefined,
  connection: ConnectionId,
  mine: Version,
): Promise<void> => {
  if (record) {
    // First, so that a sweep tries again what fails here.
    await deps.connections.endLater(connection, deps.clock.now());
    await endConnection(deps, provider, record);
  } else {
    await endAtProvider(deps, provider, connection, mine);
    await deps.sessions.forget(connection, mine);
  }
};

/** Whether a retired connection is to be ended now. */
export const isToEnd = ({ retiredAt, endedAt, dueAt }: Listed, now: EpochMs): boolean =>
  retiredAt !== undefined && endedAt === undefined && dueAt <= now;

/** The token first: nobody is to read it, whatever the provider says. Answers whether nothing is left to be revoked. */
const endAtProvider = async (
  deps: Omit<EndDeps, 'connections' | 'clock'>,
  provider: Provider,
  connection: ConnectionId,
  upTo: Version,
): Promise<boolean> => {
  const token = provider.revoke && (await deps.tokens.get(connection));
  await deps.tokens.withdraw(connection, upTo);
  if (!provider.revoke) return true;
  const stored = await deps.sessions.get(connection);
  const session = stored && stored.version <= upTo ? stored.session : undefined;
  const { send } = deps;
  const { revoke, callDeadline = REVOKE_WITHIN } = provider;
  const within = Math.max(REVOKE_WITHIN, callDeadline);
  const revoked = async (baseUrl: string, value: string): Promise<boolean> => {
    const reply = await send(revoke(baseUrl, value), within);
    return reply.kind === 'answer' && reply.status < 500 && reply.status !== 429;
  };
  // Once: it is withdrawn, so that no later run has it.
  if (token && token.version <= upTo) await revoked(token.baseUrl, token.accessToken);
  return session === undefined || revoked(session.baseUrl, session.refreshToken);
};
