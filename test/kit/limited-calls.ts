import type { RateLimit } from '../../lib/core/provider.ts';
import type { Lane } from '../../lib/core/rate-limit.ts';
import { epochMs, type Milliseconds, plus } from '../../lib/core/types.ts';
import type { Clock, LimitStore } from '../../lib/ports.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import { Loop } from '../simulation/loop.ts';
import { memoryStores } from './memory.ts';
import { START } from './records.ts';

/** Callers of one rate limit, in virtual time. Durations in milliseconds. */
export interface Setup {
  readonly limit: RateLimit;
  readonly processes: number;
  /** Callers in each process; each calls again as soon as its call is over. */
  readonly callers: number;
  readonly lasts: Milliseconds;
  /** The largest difference between the clocks of two processes. */
  readonly clocks?: Milliseconds;
  readonly callTakes?: Milliseconds;
  readonly storeTakes?: Milliseconds;
  /** The lane of a process. */
  readonly lane?: (process: number) => Lane;
  /** When a process stops, if it does. */
  readonly dies?: (process: number) => Milliseconds | undefined;
  /** The provider counts, and answers 429 to calls over the limit; the callers honour it. */
  readonly refuses?: boolean;
}

export interface CallCounts {
  readonly times: readonly number[];
  readonly minority: readonly number[];
  readonly operations: number;
  readonly refused: number;
  /** The most calls within any period of the limit, as the provider counts. */
  readonly worst: number;
  /** The number of calls, divided by the allowed number. */
  readonly share: number;
}

export const mostWithin = (times: readonly number[], per: Milliseconds): number => {
  let from = 0;
  let most = 0;
  times.forEach((at, to) => {
    while (at - (times[from] ?? at) >= per) from += 1;
    most = Math.max(most, to - from + 1);
  });
  return most;
};

/** Runs the callers, and counts the calls to the provider and the store. */
export const limitedCalls = async (setup: Setup): Promise<CallCounts> => {
  const { limit, processes, callers, lasts, clocks = 0, callTakes = 200, storeTakes = 8 } = setup;
  const loop = new Loop(START);
  const end = plus(START, lasts);
  const times: number[] = [];
  const minority: number[] = [];
  let operations = 0;
  let refused = 0;
  const { limits } = memoryStores();
  const store: LimitStore = {
    write: async (...args) => {
      operations += 1;
      await loop.sleep(storeTakes / 2);
      const there = await limits.write(...args);
      await loop.sleep(storeTakes / 2);
      return there;
    },
  };
  const clockOf = (process: number) => {
    const skew = processes === 1 ? 0 : (clocks * process) / (processes - 1) - clocks / 2;
    return () => epochMs(loop.now + skew);
  };
  const caller = async (process: number, limiter: ReturnType<typeof leasingRateLimiter>, now: Clock['now']) => {
    const lane = setup.lane?.(process) ?? 'scheduled';
    const stops = plus(START, setup.dies?.(process) ?? lasts);
    while (loop.now < stops) {
      const slot = await limiter.reserve('provider#key', limit, { lane, until: plus(now(), 5000) });
      const at = slot.ok ? slot.at : slot.retryAt;
      if (at > now()) await loop.sleep(at - now());
      if (!slot.ok || loop.now >= stops) continue;
      const inWindow = times.filter(time => time > loop.now - limit.per).length;
      times.push(loop.now);
      if (lane === 'minority') minority.push(loop.now);
      await loop.sleep(callTakes);
      if (!setup.refuses || inWindow < limit.calls) continue;
      refused += 1;
      await limiter.pause('provider#key', limit, plus(now(), limit.per));
    }
  };
  for (let process = 0; process < processes; process += 1) {
    const now = clockOf(process);
    const limiter = leasingRateLimiter(store, { now });
    for (let n = 0; n < callers; n += 1) loop.at(START, () => void caller(process, limiter, now));
  }
  await loop.run(end);
  const sorted = times.toSorted((a, b) => a - b);
  const allowed = (limit.calls * lasts) / limit.per;
  return {
    times: sorted,
    minority,
    operations,
    refused,
    worst: mostWithin(sorted, limit.per),
    share: times.length / allowed,
  };
};
