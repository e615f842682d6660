import { type Demand, decideDemand, type WaitReason } from '../core/decide.ts';
import type { Provider } from '../core/provider.ts';
import type { Connection, ConnectionId, EpochMs, Token } from '../core/types.ts';
import type { Cause } from './calls.ts';
import { refreshConnection } from './refresh.ts';
import type { Result } from './report.ts';
import type { SweepDeps } from './sweep.ts';

/** A refresh on demand, as the API sends it to the function of a provider. */
export type RefreshRequest = Demand & {
  readonly connection: ConnectionId;
  /** Whether the sender has no other token to return, and therefore waits if another worker holds the lease. */
  readonly waits: boolean;
};

export type RefreshAnswer =
  | {
      readonly result: Exclude<Result, 'lost'>;
      readonly until?: EpochMs;
      /**
       * `may_lock_account`: the login was tried although it had been refused, and one more wrong try may lock the
       * account. `may_end_token`: a refresh token that may have been spent was sent, and the provider may have ended
       * the token because of it.
       */
      readonly warning?: 'may_lock_account' | 'may_end_token';
    }
  | {
      readonly result: 'waiting';
      /**
       * `leased`: a worker holds the lease; wait for it. `busy`: enough others wait already. `renewed`: a newer token
       * exists. `undiscovered`: the secret exists, but its record does not.
       */
      readonly reason: Exclude<WaitReason, 'retired' | 'not_due'> | 'busy' | 'undiscovered';
      readonly until?: EpochMs;
    }
  | { readonly result: 'unknown' };

/** At most this many requests wait for one run. Each occupies an API function. */
export const WAITERS = 3;

/** Refreshes one connection now, if it needs it and the policy allows it. */
export const refreshOnDemand = async (
  deps: SweepDeps,
  provider: Provider,
  request: RefreshRequest,
): Promise<RefreshAnswer> => {
  // After a lost claim, look again: the answer depends on what the winner did or is doing.
  for (let look = 1; look <= 2; look++) {
    const answer = await attempt(deps, provider, request);
    if (answer !== 'lost') return answer;
  }
  return { result: 'waiting', reason: 'busy' };
};

const attempt = async (
  deps: SweepDeps,
  provider: Provider,
  request: RefreshRequest,
): Promise<RefreshAnswer | 'lost'> => {
  const connection = await deps.connections.get(request.connection);
  if (!connection) return withoutRecord(deps, request);
  const published = await deps.tokens.get(request.connection);
  const decision = decideDemand(connection, published, deps.clock.now(), request, deps.policy);
  if (decision.action === 'refresh') {
    const cause = decision.reason === 'nothing_to_lose' ? 'missing' : causes[request.kind];
    return refreshed(deps, provider, { connection, published }, request, cause);
  }
  const { reason, until } = decision;
  if (reason === 'retired') return { result: 'retired' };
  const joined =
    reason !== 'leased' ||
    !request.waits ||
    (await deps.connections.join(request.connection, connection.version, WAITERS));
  return {
    result: 'waiting',
    reason: joined ? reason : 'busy',
    ...(until !== undefined && { until }),
  };
};

/** If the secret still exists, discovery adds the record again. Until then the token stays valid. */
const withoutRecord = async (deps: SweepDeps, { connection }: RefreshRequest): Promise<RefreshAnswer> =>
  (await deps.credentials.isGone({ connection }))
    ? { result: 'unknown' }
    : { result: 'waiting', reason: 'undiscovered' };

const refreshed = async (
  deps: SweepDeps,
  provider: Provider,
  { connection, published }: { readonly connection: Connection; readonly published: Token | undefined },
  request: RefreshRequest,
  cause: Cause,
): Promise<RefreshAnswer | 'lost'> => {
  const report = await refreshConnection(deps, provider, connection, cause);
  deps.observer.refresh(isMissing(connection, published) ? { ...report, repaired: true } : report);
  const { result, dueAt } = report;
  if (result === 'lost') return 'lost';
  const warning = report.replayed ? 'may_end_token' : report.overruled ? 'may_lock_account' : undefined;
  return {
    result,
    ...(dueAt !== undefined && { until: dueAt }),
    ...(request.kind === 'operator' && warning && { warning }),
  };
};

const causes = { ifNeeded: 'requested', force: 'forced', operator: 'operator' } as const;

/** The record notes another token than the published one: one of the tables was restored, or an item was deleted. */
const isMissing = ({ issuedAt, leaseUntil }: Connection, published: Token | undefined): boolean =>
  leaseUntil === undefined && issuedAt !== undefined && issuedAt !== published?.issuedAt;
