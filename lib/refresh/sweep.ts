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

/** Who is told what happened: logs and metrics in the cloud, the terminal on a laptop. */
export interface Observer {
  refresh(report: RefreshReport): void;
  /** A run that could not even claim its connection: the store did not answer, or we have a bug. */
  unclaimed(connection: ConnectionId, code: ErrorCode): void;
  /** A tick has no time left to begin runs that are due: so many. Known while it still runs. */
  outOfTime(left: number): void;
  /** A connection whose secret is gone has been ended, or its provider did not answer yet. */
  retired(connection: ConnectionId, result: 'ended' | 'later', tags?: Labels['tags']): void;
  sweep(report: SweepReport): void;
}

export interface SweepDeps extends RefreshDeps {
  readonly observer: Observer;
}

/** One tick over some shards of a provider: a fixed set of numbers, however many connections there are. */
export interface SweepReport {
  readonly provider: string;
  readonly connections: number;
  readonly due: number;
  /** Due, but not begun before the time was up or the provider's budget was used. */
  readonly left: number;
  readonly results: Readonly<Record<Result, number>>;
  /** Runs whose claim the store did not take. */
  readonly claimsFailed: number;
  readonly commitsFailed: number;
  readonly calls: number;
  readonly took: Milliseconds;
}

/** So many times a provider's own concurrency are in progress at once, of one secret no more than that. */
const WORKERS = 3;

/** First steps must not use up the rate limit, or no login would come to its second one. */
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
      // One connection that can't be handled must not keep the others from their tokens.
      tally.claimsFailed += 1;
      observer.unclaimed(connection.connection, error instanceof RefresherError ? error.code : 'internal_error');
    }
  };
  // A run that is begun must be able to end.
  const turnsWith = (workers: number) => ({
    limit: workers,
    groupsOf: (each: Listed) => groupsOf(provider, each, workers),
    more: () => clock.now() + policy.lease <= until,
  });
  /** Those that were not begun. What needs an exhausted limit is passed over, and comes again once it has slots. */
  const refreshAll = async (all: Listed[]): Promise<number> => {
    const passedOver: Listed[] = [];
    const work = async (each: Listed): Promise<void> => {
      if (await exhausted.concerns(each)) passedOver.push(each);
      else await refresh(each);
    };
    await inTurns(all, { ...turnsWith(inProgress(provider)), work });
    const left = all.length + passedOver.length;
    const pause = Math.max(0, exhausted.next - clock.now());
    // The next tick has a look of its own.
    const last = Math.min(plus(startedAt, policy.tick), until - policy.lease);
    if (passedOver.length === 0 || clock.now() + pause > last) return left;
    await clock.sleep(pause);
    return refreshAll(passedOver);
  };
  const wakeFor = ({ dueAt }: Listed): Promise<void> => clock.sleep(Math.max(0, dueAt - clock.now()));
  const toEnd = roundRobin(retired.filter(each => isToEnd(each, startedAt)));
  // Side by side: there may be more to refresh than a tick has time for.
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

/** A record is needed until its connection is refreshed. What is kept longer is small, since there are thousands. */
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

/** What falls due before the next tick, in that order: the next tick would come too late for a window of seconds. */
const dueBefore = (kept: readonly Listed[], now: EpochMs, next: EpochMs): Listed[] =>
  kept
    .filter(each => {
      const decision = decideDue(each, now);
      return decision.action === 'wait' && decision.reason === 'not_due' && each.dueAt < next;
    })
    .toSorted((a, b) => a.dueAt - b.dueAt);

/**
 * Hosts that a secret brought are slow for all that they serve: together they have half of the workers, rounded up. Of a
 * connection that never had a token nobody knows its host yet.
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
