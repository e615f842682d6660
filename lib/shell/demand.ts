import { decideAsked, decideForced, type WaitReason } from '../core/decide.ts';
import type { Provider } from '../core/provider.ts';
import { type ConnectionId, type EpochMs, type Milliseconds, plus } from '../core/types.ts';
import { type Result, refreshConnection } from './refresh.ts';
import type { SweepDeps } from './sweep.ts';

/** What a reader or a consumer asks of the refresher. `minTtl` in milliseconds. */
export type Ask =
  | { readonly kind: 'read'; readonly connection: ConnectionId; readonly minTtl: Milliseconds }
  | { readonly kind: 'forced'; readonly connection: ConnectionId };

export type Answer =
  | { readonly result: Exclude<Result, 'lost'>; readonly until?: EpochMs }
  | {
      readonly result: 'waiting';
      readonly reason: Exclude<WaitReason, 'retired' | 'not_due'>;
      readonly until?: EpochMs;
    }
  | { readonly result: 'unknown' };

/** Refreshes one connection now, if that is due, asked for and allowed. */
export const refreshOnDemand = async (deps: SweepDeps, provider: Provider, ask: Ask): Promise<Answer> => {
  const connection = await deps.connections.get(ask.connection);
  if (!connection) return { result: 'unknown' };
  const now = deps.clock.now();
  const decision =
    ask.kind === 'forced'
      ? decideForced(connection, now, deps.policy)
      : decideAsked(connection, now, ask.minTtl, deps.policy);
  if (decision.action === 'wait') {
    const { reason, until } = decision;
    if (reason === 'retired') return { result: 'unknown' };
    return {
      result: 'waiting',
      reason: reason === 'not_due' ? 'fresh' : reason,
      ...(until !== undefined && { until }),
    };
  }
  const report = await refreshConnection(deps, provider, connection, ask.kind === 'forced' ? 'forced' : 'asked');
  deps.observer.refresh(report);
  if (report.result === 'lost') return { result: 'waiting', reason: 'leased', until: plus(now, deps.policy.lease) };
  return { result: report.result, ...(report.dueAt !== undefined && { until: report.dueAt }) };
};
