import { describe, expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import type { Lane } from '../../lib/core/rate-limit.ts';
import { epochMs, minutes, plus, seconds } from '../../lib/core/types.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import { limitedCalls, mostWithin } from '../kit/limited-calls.ts';
import { memoryStores } from '../kit/memory.ts';
import { START } from '../kit/records.ts';

const v1 = { calls: 50, per: seconds(1) };
const v2 = { calls: 10, per: seconds(1) };
const officernd = { calls: 5, per: minutes(1) };
const bulk = { callers: 40, lasts: seconds(120) };

describe('a rate limit in bulk', () => {
  it.each([
    ['v1', v1, 1, 0],
    ['v1', v1, 8, 50],
    ['v2', v2, 1, 0],
    ['v2', v2, 8, 0],
    ['v2', v2, 8, 50],
  ])('%s %o, %i processes, clocks %i ms apart: at least 95 %% of it, no window over it, few writes', async (...row) => {
    const [, limit, processes, clocks] = row;
    const calls = await limitedCalls({ ...bulk, limit, processes, clocks });
    expect(calls.share).toBeGreaterThanOrEqual(0.95);
    expect(calls.worst).toBeLessThanOrEqual(limit.calls);
    expect(calls.operations / calls.times.length).toBeLessThanOrEqual(0.3);
  });

  it('is used as well if it is counted by the minute', async () => {
    const calls = await limitedCalls({ limit: officernd, processes: 8, clocks: 50, callers: 5, lasts: minutes(60) });
    expect(calls.share).toBeGreaterThanOrEqual(0.95);
    expect(calls.worst).toBe(5);
  });

  it('is exceeded only briefly by clocks that are seconds apart, and most calls still succeed', async () => {
    const setup = { ...bulk, limit: v2, processes: 8, clocks: seconds(3), refuses: true };
    const calls = await limitedCalls(setup);
    expect(calls.refused / calls.times.length).toBeLessThan(0.1);
    const later = calls.times.filter(at => at > START + seconds(60));
    expect(mostWithin(later, v2.per)).toBeLessThanOrEqual(11);
    expect(calls.share).toBeGreaterThanOrEqual(0.8);
  });
});

it('lets an idle limit be used up at once', async () => {
  const setup = { limit: officernd, processes: 1, callers: 5, lasts: seconds(20), storeTakes: 0 };
  expect((await limitedCalls(setup)).times).toEqual(Array(5).fill(START));
});

it('loses no slot of a minute to a write that takes a moment', async () => {
  const setup = { limit: officernd, processes: 1, callers: 5, lasts: seconds(20), storeTakes: 150 };
  expect((await limitedCalls(setup)).times).toHaveLength(5);
});

it('frees within seconds what a crashed process had booked', async () => {
  const dies = (process: number) => (process > 0 ? seconds(10) : undefined);
  const { times } = await limitedCalls({ ...bulk, limit: v2, processes: 8, dies });
  const after = times.filter(at => at >= START + seconds(20));
  expect(after.length / (v2.calls * 100)).toBeGreaterThanOrEqual(0.95);
});

describe('the minority', () => {
  const onDemand = (process: number): Lane => (process === 0 ? 'minority' : 'scheduled');

  it('gets a quarter of the limit while the schedule wants it all, and no more', async () => {
    const calls = await limitedCalls({ ...bulk, limit: v2, processes: 2, lane: onDemand });
    // Before the schedule shows up it may have all but one.
    const later = calls.minority.filter(at => at > START + seconds(5));
    expect(mostWithin(later, v2.per)).toBe(2);
    expect(later.length).toBeGreaterThan(10);
    expect(calls.times.length - calls.minority.length).toBeGreaterThan(0.75 * v2.calls * 120);
    expect(calls.worst).toBeLessThanOrEqual(v2.calls);
  });

  it.each([
    ['v1', v1, 1, 0.3],
    ['v2', v2, 1, 0.3],
    ['v1', v1, 8, 0.3],
    ['v2', v2, 8, 1.5],
  ])('%s %o, %i processes: books in batches too, and no window is exceeded', async (_, limit, processes, most) => {
    const calls = await limitedCalls({ ...bulk, limit, processes, clocks: 50, lane: () => 'minority' });
    expect(calls.operations / calls.times.length).toBeLessThanOrEqual(most);
    expect(calls.worst).toBeLessThan(limit.calls);
    expect(calls.share).toBeGreaterThanOrEqual(0.75);
  });

  it('leaves one call in each window to a schedule that wants nothing', async () => {
    const calls = await limitedCalls({ ...bulk, limit: v2, processes: 1, lane: () => 'minority' });
    expect(calls.worst).toBe(9);
  });
});

it('waits for a provider’s Retry-After, at most for a minute', async () => {
  const clock = { now: () => START };
  const { limits } = memoryStores();
  const [one, other] = [leasingRateLimiter(limits, clock), leasingRateLimiter(limits, clock)];
  await one.pause('p#k', v2, plus(START, seconds(7)));
  const request = { lane: 'scheduled', until: plus(START, seconds(5)) } as const;
  expect(await one.reserve('p#k', v2, request)).toEqual({ ok: false, retryAt: START + 7000 });
  expect(await other.reserve('p#k', v2, request)).toEqual({ ok: false, retryAt: START + 7000 });
  await one.pause('p#k', v2, plus(START, minutes(600)));
  expect(await one.reserve('p#k', v2, request)).toEqual({ ok: false, retryAt: START + 60_000 });
});

it('keeps the slots behind a pause: of several answers at once, none moves the next call further away', async () => {
  let now = START;
  const { limits } = memoryStores();
  const limiter = leasingRateLimiter(limits, { now: () => now });
  const reserve = () => limiter.reserve('p#k', v2, { lane: 'scheduled', until: plus(now, seconds(15)) });
  for (let n = 0; n < 8; n += 1) await reserve();
  for (let n = 0; n < 8; n += 1) {
    now = plus(now, 10);
    await limiter.pause('p#k', v2, plus(now, seconds(1)));
    await reserve();
  }
  const next = await reserve();
  expect(next.ok && next.at - now).toBeLessThan(seconds(4));
  expect(limiter.pausedUntil('p#k')).toBe(plus(now, seconds(1)));
});

it.each([
  [8, 10, 1000],
  [2, 40, 1000],
  [4, 4, 300],
])('%i processes with %i callers whose calls take %i ms use no slot late', async (processes, callers, callTakes) => {
  const setup = { processes, callers, callTakes, clocks: 50, storeTakes: 6, lasts: seconds(60) };
  for (const limit of [v1, v2])
    expect((await limitedCalls({ ...setup, limit })).worst).toBeLessThanOrEqual(limit.calls);
});

it('books no more than is used: few callers whose calls are slow leave the rest to other processes', async () => {
  const calls = await limitedCalls({ limit: v1, processes: 8, callers: 10, callTakes: 1000, lasts: seconds(60) });
  expect(calls.share).toBeGreaterThan(0.6);
});

it('is not blocked by what a clock wrote that is years ahead', async () => {
  let now = START;
  const { limits } = memoryStores();
  const until = (from: number) => epochMs(from + 5000);
  const wrong = leasingRateLimiter(limits, { now: () => plus(START, minutes(60 * 24 * 365)) });
  await wrong.reserve('p#k', v2, { lane: 'scheduled', until: until(START + 3.2e10) });
  const right = leasingRateLimiter(limits, { now: () => now });
  for (let n = 0; n < 20; n += 1) {
    const slot = await right.reserve('p#k', v2, { lane: 'scheduled', until: until(now) });
    if (slot.ok) now = epochMs(Math.max(now, slot.at));
  }
  expect(now - START).toBeLessThan(5000);
});

it('reports that the store failed, and continues once it works', async () => {
  const { limits } = memoryStores();
  let fails = true;
  const write: typeof limits.write = (...args) =>
    fails ? Promise.reject(new RefresherError('store_failed', 'injected')) : limits.write(...args);
  const limiter = leasingRateLimiter({ write }, { now: () => START });
  const request = { lane: 'scheduled', until: plus(START, 1) } as const;
  await expect(limiter.reserve('p#k', v2, request)).rejects.toThrow('injected');
  fails = false;
  expect(await limiter.reserve('p#k', v2, request)).toEqual({ ok: true, at: START });
});
