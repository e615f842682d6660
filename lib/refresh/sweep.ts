import { decideDue } from '../core/decide.ts';
import { type ErrorCode, RefresherError } from '../core/errors.ts';
import { inFairOrder, roundRobin } from '../core/fair.ts';
import { isOnHosts } from '../core/hosts.ts';
import type { Labels } from '../core/labels.ts';
import { isBetweenTicks, type Policy } from '../core/policy.ts';
import type { Provider } from '../core/provider.ts';
import { isToEnd } from '../core/retirement.ts';
import { type ConnectionId, type EpochMs, type Listed, type Milliseconds, plus, secretOf } from '../core/types.ts';
import { listShards } from '../listing.ts';
import type { RefreshDeps } from './commit.ts';
import { endConnection } from './end.ts';
import { Exhausted } from './exhausted.ts';
import { refreshConnection } from './refresh.ts';
import type { RefreshReport, Result } from './report.ts';
import { inTurns } from './turns.ts';

/** Receives what happened: logs and metrics in the cloud, the terminal on a laptop. */
export interface Observer {
  refresh(report: RefreshReport): void;
  /** A run could not even claim its connection: the store did not answer, or our code has a bug. */
  unclaimed(connection: ConnectionId, code: ErrorCode): void;
  /** The tick has no time left to begin `left` runs that are due. Called while the tick still runs. */
  outOfTime(left: number): void;
  /** A connection whose secret is gone has ended, or its provider has not answered yet. */
  retired(connection: ConnectionId, result: 'ended' | 'later', tags?: Labels['tags']): void;
  sweep(report: SweepReport): void;
}

export interface SweepDeps extends RefreshDeps {
  readonly observer: Observer;
}

/** One tick over some shards of a provider. Its size does not grow with the number of connections. */
export interface SweepReport {
  readonly provider: string;
  readonly connections: number;
  readonly due: number;
  /** Due, but not begun before the time was up or the provider's rate limit was used up. */
  readonly left: number;
  readonly results: Readonly<Record<Result, number>>;
  /** Runs whose claim could not be stored. */
  readonly claimsFailed: number;
  readonly commitsFailed: number;
  readonly calls: number;
  readonly took: Milliseconds;
}

/**
 * This many times the provider's concurrency are in progress at once; of one secret, at most the concurrency itself.
 */
const WORKERS = 3;

/** First steps must leave room in the rate limit: otherwise no login would reach its second step. */
const inProgress = ({ concurrency, rateLimit, twoSteps }: Provider): number => {
  const most = WORKERS * concurrency;
  return twoSteps && rateLimit ? Math.min(most, Math.max(1, Math.floor(rateLimit.calls / 2))) : most;
};

/** Refreshes everything that is due in some shards of a provider, in fair order, until `until`. */
export const sweep = async (
  deps: SweepDeps,
  provider: Provider,
  shards: readonly number[],
  until: EpochMs,
): Promise<SweepReport> => {
  const { clock, connections, policy, observer } = deps;
  const startedAt = clock.now();
  const plan = planOf(await listShards(connections, [provider], shards), provider, policy, startedAt);
  const { waiting, soon, connections: kept, retired } = plan;
  const due = waiting.length;

  const tally = new Tally();
  const exhausted = new Exhausted(deps, provider);
  const refresh = async (connection: Listed): Promise<void> => {
    try {
      const report = await refreshConnection(deps, provider, connection, 'scheduled');
      tally.add(report);
      exhausted.note(report);
      observer.refresh(report);
    } catch (error) {
      // A connection that fails unexpectedly must not stop the others.
      tally.claimsFailed += 1;
      observer.unclaimed(connection.connection, error instanceof RefresherError ? error.code : 'internal_error');
    }
  };
  // Begin a run only if its lease ends in time.
  const turnsWith = (workers: number) => ({
    limit: workers,
    groupsOf: (each: Listed) => groupsOf(provider, each, workers),
    more: () => clock.now() + policy.lease <= until,
  });
  /**
   * Returns how many were not begun. Connections that need an exhausted limit are passed over and retried once it has
   * slots.
   */
  const refreshAll = async (all: Listed[]): Promise<number> => {
    const passedOver: Listed[] = [];
    const work = async (each: Listed): Promise<void> => {
      if (await exhausted.concerns(each)) passedOver.push(each);
      else await refresh(each);
    };
    await inTurns(all, { ...turnsWith(inProgress(provider)), work });
    const left = all.length + passedOver.length;
    const pause = Math.max(0, exhausted.next - clock.now());
    // After that the next tick lists what is due.
    const last = Math.min(plus(startedAt, policy.tick), until - policy.lease);
    if (passedOver.length === 0 || clock.now() + pause > last) return left;
    await clock.sleep(pause);
    return refreshAll(passedOver);
  };
  const wakeFor = ({ dueAt }: Listed): Promise<void> => clock.sleep(Math.max(0, dueAt - clock.now()));
  const toEnd = roundRobin(retired.filter(each => isToEnd(each, startedAt)));
  // In parallel: the refreshes may take all the time of the tick.
  const ending = inTurns(toEnd, { ...turnsWith(provider.concurrency), work: each => end(deps, provider, each) });
  const late = inTurns(soon, {
    ...turnsWith(inProgress(provider)),
    work: each => wakeFor(each).then(() => refresh(each)),
  });
  const left = await refreshAll(waiting);
  if (left > 0 && clock.now() + policy.lease > until) observer.outOfTime(left);
  await Promise.all([ending, late]);

  const { results, claimsFailed, commitsFailed, calls } = tally;
  const report: SweepReport = {
    provider: provider.id,
    connections: kept,
    due,
    left,
    results,
    claimsFailed,
    commitsFailed,
    calls,
    took: clock.now() - startedAt,
  };
  observer.sweep(report);
  return report;
};

/** A record stays in memory until its connection is refreshed. Other data is kept small, since there are thousands. */
const planOf = (listed: readonly Listed[], provider: Provider, policy: Policy, now: EpochMs) => {
  const kept = listed.filter(each => each.retiredAt === undefined);
  const due = kept.filter(each => decideDue(each, now).action === 'refresh');
  return {
    waiting: [...inFairOrder(due, provider.lifetime, now)],
    soon: isBetweenTicks(policy) ? dueBefore(kept, now, plus(now, policy.tick)) : [],
    connections: kept.length,
    retired: listed.filter(each => each.retiredAt !== undefined),
  };
};

/** What falls due before the next tick, in order: for a window of seconds the next tick would come too late. */
const dueBefore = (kept: readonly Listed[], now: EpochMs, next: EpochMs): Listed[] =>
  kept
    .filter(each => {
      const decision = decideDue(each, now);
      return decision.action === 'wait' && decision.reason === 'not_due' && each.dueAt < next;
    })
    .toSorted((a, b) => a.dueAt - b.dueAt);

/**
 * A host that comes from a secret may be slow for all of its connections: together such hosts get half of the workers,
 * rounded up. The host of a connection that never had a token is not known yet.
 */
const groupsOf = (
  { concurrency, hosts }: Provider,
  { connection, base }: Listed,
  workers: number,
): Readonly<Record<string, number>> => ({
  [secretOf(connection)]: concurrency,
  ...((base === undefined || !isOnHosts(base, hosts)) && { elsewhere: Math.ceil(workers / 2) }),
});

class Tally {
  readonly results: Record<Result, number> = {
    refreshed: 0,
    lost: 0,
    postponed: 0,
    unchanged: 0,
    failed: 0,
    attention: 0,
    retired: 0,
  };
  claimsFailed = 0;
  commitsFailed = 0;
  calls = 0;

  add({ result, calls, commitFailed }: RefreshReport): void {
    this.results[result] += 1;
    this.calls += calls;
    if (commitFailed) this.commitsFailed += 1;
  }
}

const end = async (deps: SweepDeps, provider: Provider, retired: Listed): Promise<void> => {
  try {
    const result = await endConnection(deps, provider, retired);
    if (result !== 'back') deps.observer.retired(retired.connection, result, retired.labels?.tags);
  } catch (error) {
    deps.observer.unclaimed(retired.connection, error instanceof RefresherError ? error.code : 'internal_error');
  }
};
