import type { Provider } from '../core/provider.ts';
import { type ConnectionId, type EpochMs, hours, type Listed, minutes, plus, type Version } from '../core/types.ts';
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
const LONGEST_PAUSE = hours(1);
const REVOKE_WITHIN = 5000;

/**
 * Ends a retired connection: its token is withdrawn, its session revoked at the provider and forgotten. Repeated, with
 * growing pauses, until the provider has answered. `ended`: nothing is left to do.
 */
export const endConnection = async (deps: EndDeps, provider: Provider, record: Listed): Promise<'ended' | 'later'> => {
  const { connection, version, retiredAt } = record;
  const now = deps.clock.now();
  const since = now - (retiredAt ?? now);
  const revoked = await endAtProvider(deps, provider, connection, version);
  if (!revoked && since < GIVE_UP_AFTER) {
    await deps.connections.endLater(connection, plus(now, Math.min(LONGEST_PAUSE, Math.max(minutes(1), since))));
    return 'later';
  }
  await deps.sessions.forget(connection, version);
  await deps.connections.end(connection, now);
  return 'ended';
};

/** Whether a retired connection is to be ended now. A worker that still holds it ends what it brings by itself. */
export const isToEnd = ({ retiredAt, endedAt, dueAt }: Listed, now: EpochMs): boolean =>
  retiredAt !== undefined && endedAt === undefined && dueAt <= now;

/** The token first: nobody is to read it, whatever the provider says. Answers whether nothing is left to be revoked. */
export const endAtProvider = async (
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
  const { revoke } = provider;
  const revoked = async (baseUrl: string, value: string): Promise<boolean> => {
    const reply = await send(revoke(baseUrl, value), REVOKE_WITHIN);
    return reply.kind === 'answer' && reply.status < 500 && reply.status !== 429;
  };
  // Once: it is withdrawn, so that no later run has it.
  if (token && token.version <= upTo) await revoked(token.baseUrl, token.accessToken);
  return session === undefined || revoked(session.baseUrl, session.refreshToken);
};
