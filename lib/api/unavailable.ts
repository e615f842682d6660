import type { Connection, ConnectionId, EpochMs } from '../core/types.ts';
import type { ProblemCode } from './answers.ts';
import type { ApiDeps } from './deps.ts';
import { type HttpAnswer, problem } from './problem.ts';

export const unknownConnection = (connection: ConnectionId): HttpAnswer =>
  problem('unknown_connection', 'No secret of that name has been discovered.', { connection });

/** States the reason and its start as codes: the provider's own words are never passed on. */
export const unavailable = async (
  deps: ApiDeps,
  connection: ConnectionId,
  code: Extract<ProblemCode, 'no_valid_token' | 'refresh_failed'>,
): Promise<HttpAnswer> => {
  const record = await deps.connections.get(connection);
  if (!record || record.retiredAt !== undefined) return unknownConnection(connection);
  const since = sinceOf(record, code, deps.clock.now());
  const detail =
    record.status === 'attention'
      ? 'Credentials rejected; update the secret.'
      : 'The refresh is retried automatically.';
  return problem(
    code,
    detail,
    {
      connection,
      reason: record.lastError?.code ?? 'not_refreshed_yet',
      since: new Date(since).toISOString(),
    },
    { 'retry-after': String(retryAfter(record.dueAt, deps.clock.now())) },
  );
};

/**
 * The start of the trouble: the expiry if nothing failed before, otherwise the first failure, otherwise the due time.
 */
const sinceOf = (record: Connection, code: ProblemCode, now: EpochMs): EpochMs => {
  const { expiresAt, failingSince, lastError, dueAt } = record;
  if (code === 'no_valid_token' && expiresAt !== undefined && expiresAt <= now) return expiresAt;
  return failingSince ?? lastError?.at ?? (dueAt < now ? dueAt : now);
};

/** Whole seconds, from 1 to an hour: only a hint. */
export const retryAfter = (until: EpochMs | undefined, now: EpochMs): number =>
  Math.min(3600, Math.max(1, Math.ceil(((until ?? now) - now) / 1000)));
