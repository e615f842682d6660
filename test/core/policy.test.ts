import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideDemand } from '../../lib/core/decide.ts';
import {
  backoffOf,
  callDeadlineOf,
  isEnough,
  longestCallDeadline,
  defaultPolicy as policy,
  probeOf,
  promised,
  renewalOf,
  runDeadlineOf,
  scaled,
  slotPatienceOf,
  tickOf,
} from '../../lib/core/policy.ts';
import { epochMs, hours, minutes, plus, seconds, secretVersion } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';
import { seeded } from '../kit/seeded.ts';

const SEED = { seed: 20260101 };
const names = fc.stringMatching(/^[a-z0-9]{1,20}$/);

describe('renewalOf', () => {
  const { refreshAt, jitter } = policy;
  const [first, last] = [refreshAt * (1 - jitter), refreshAt * (1 + jitter)];
  const shareOf = (name: string, life: number) =>
    (renewalOf(policy, idOf(name), START, plus(START, life)) - START) / life;

  it('renews every token after the same share of its own lifetime, give or take the jitter', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: minutes(3), max: hours(24) }), (name, life) => {
        const share = shareOf(name, life);
        expect(share).toBeGreaterThan(first - 0.0001);
        expect(share).toBeLessThan(last + 0.0001);
      }),
      SEED,
    );
  });

  it('spreads a thousand connections of one moment evenly, and one connection never moves', () => {
    const shares = Array.from({ length: 1000 }, (_, n) => shareOf(`customer-${n}`, hours(1)));
    const buckets = Map.groupBy(shares, share => Math.floor((10 * (share - first)) / (last - first)));
    expect(buckets.size).toBe(10);
    for (const members of buckets.values()) expect(members.length).toBeGreaterThan(60);
    expect(shareOf('customer-7', hours(1))).toBe(shares[7]);
  });

  it('does not renew more often than the floor, and never after the token expires', () => {
    for (const life of [1, seconds(1), seconds(59), minutes(1), seconds(90), minutes(2)]) {
      const at = renewalOf(policy, idOf('acme'), START, plus(START, life)) - START;
      expect(at).toBeGreaterThanOrEqual(Math.min(life, policy.floor));
      expect(at).toBeLessThanOrEqual(life);
    }
  });
});

describe('backoffOf', () => {
  const ceilingOf = (failures: number, more: object = {}) =>
    backoffOf(policy, { failures, now: START, ...more }, 1 - 2 ** -40);

  it.each([
    [1, seconds(10)],
    [2, seconds(20)],
    [3, seconds(40)],
    [5, seconds(160)],
    [6, minutes(5)],
    [1000, minutes(5)],
    [Number.MAX_SAFE_INTEGER, minutes(5)],
  ])('pauses after failure %i for up to %i ms', (failures, ceiling) => {
    expect(ceilingOf(failures)).toBeCloseTo(ceiling, 3);
  });

  it('has full jitter: anything from a second to the ceiling', () => {
    expect(backoffOf(policy, { failures: 3, now: START }, 0)).toBe(seconds(1));
    expect(backoffOf(policy, { failures: 3, now: START }, 0.5)).toBe(seconds(20));
  });

  it('leaves at least three more chances before a valid token expires', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: seconds(10), max: hours(24) }),
        (failures, left) => {
          let now = START;
          const expiresAt = plus(START, left);
          for (let chance = 0; chance < 3; chance++) {
            now = epochMs(now + backoffOf(policy, { failures: failures + chance, now, expiresAt }, 0.9999999));
            expect(now).toBeLessThan(expiresAt);
          }
        },
      ),
      SEED,
    );
  });

  it('is at most a quarter of what is left', () => {
    expect(ceilingOf(9, { expiresAt: plus(START, minutes(8)) })).toBeCloseTo(minutes(2), 3);
    expect(ceilingOf(1, { expiresAt: plus(START, seconds(8)) })).toBeCloseTo(seconds(2), 3);
  });

  it('does not apply this limit to an expired token', () => {
    expect(ceilingOf(6, { expiresAt: START })).toBeCloseTo(minutes(5), 3);
    expect(ceilingOf(6, { expiresAt: plus(START, -1) })).toBeCloseTo(minutes(5), 3);
  });

  it.each([
    ['is honoured even if the token expires meanwhile', seconds(90), seconds(90)],
    ['is believed up to an hour', hours(48), hours(1)],
    ['does not shorten a longer pause', 1, seconds(10)],
  ])('believes a Retry-After that %s', (_, retryAfter, expected) => {
    expect(ceilingOf(1, { retryAfter, expiresAt: plus(START, minutes(1)) })).toBeCloseTo(expected, 3);
  });
});

describe('probeOf', () => {
  it('doubles from an hour to a day', () => {
    const pauses: number[] = [];
    let now = START;
    for (let probe = 0; probe < 8; probe++) {
      const pause = probeOf(policy, hours(8), now, START);
      pauses.push(pause / hours(1));
      now = plus(now, pause);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 24, 24, 24]);
  });

  it('comes before a second token would have expired', () => {
    expect(probeOf(policy, minutes(10), START, START)).toBe(minutes(10));
  });

  it('does not retry rapidly if clocks disagree about the beginning', () => {
    expect(probeOf(policy, hours(8), START, plus(START, hours(5)))).toBe(hours(1));
  });
});

describe('tickOf', () => {
  it.each([
    [minutes(5), 1],
    [minutes(10), 1],
    [minutes(20), 2],
    [minutes(26), 3],
    [hours(1), 5],
    [hours(24), 5],
    [1, 1],
  ])('for a lifetime of %i ms is %i minutes', (lifetime, tick) => {
    expect(tickOf({ lifetime })).toBe(minutes(tick));
  });

  it('spends the budget of every minute, and waits for one of a second within a run', () => {
    expect(tickOf({ lifetime: hours(1), rateLimit: { calls: 5, per: minutes(1) } })).toBe(minutes(1));
    expect(tickOf({ lifetime: hours(1), rateLimit: { calls: 5, per: seconds(1) } })).toBe(minutes(5));
  });

  it('does not let a code of five minutes, handed in just after a tick, expire before the next', () => {
    expect(tickOf({ lifetime: hours(1), codeLifetime: minutes(5) })).toBe(minutes(1));
  });
});

describe('a provider that renews tokens only near their end', () => {
  const late = { ...policy, renewWithin: minutes(5) };
  const left = (name: string, early = false) => {
    const expiresAt = plus(START, hours(1));
    return expiresAt - renewalOf(late, idOf(name), START, expiresAt, early);
  };

  it('is called soon after it does so, and never before, even for an early renewal', () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      for (const early of [false, true]) {
        expect(left(name, early)).toBeLessThanOrEqual(minutes(5));
        expect(left(name, early)).toBeGreaterThanOrEqual(minutes(4.5));
      }
    }
  });

  it('promises readers less, and is polled more often', () => {
    expect(promised({ ...late, tick: minutes(1) }, hours(1))).toBe(minutes(3.5));
    const provider = { lifetime: hours(8), renewWithin: minutes(5) };
    expect(tickOf(provider)).toBe(minutes(1));
  });
});

describe('what readers are promised', () => {
  // Renewed at the latest after 55 % of its life, and a tick later.
  const halfway = { ...policy, refreshAt: 0.5, jitter: 0.1 };

  it.each([
    ['an hour, polled every 5 minutes', hours(1), minutes(5), minutes(22)],
    ['20 minutes, polled every 2', minutes(20), minutes(2), minutes(7)],
    ['10 minutes, polled every minute', minutes(10), minutes(1), minutes(3.5)],
    ['a day, polled every 5 minutes', hours(24), minutes(5), minutes(24 * 60 * 0.45 - 5)],
    ['less than a tick leaves', minutes(5), minutes(5), 0],
  ])('of a token of %s', (_, life, tick, left) => {
    expect(promised({ ...halfway, tick }, life)).toBeCloseTo(left, 3);
  });

  it('is not more than the shortest pause between two refreshes leaves', () => {
    expect(promised({ ...policy, refreshAt: 0.1, tick: minutes(1) }, minutes(5))).toBe(minutes(3));
  });

  it('is enough even if a reader wants more', () => {
    const token = { issuedAt: START, expiresAt: plus(START, minutes(20)) };
    const enough = (minTtl: number, now: number) =>
      isEnough({ ...halfway, tick: minutes(2) }, token, minTtl, epochMs(now));
    const left = (duration: number) => token.expiresAt - duration;
    expect([enough(hours(24), left(minutes(7))), enough(hours(24), left(minutes(7)) + 1)]).toEqual([true, false]);
    expect([enough(seconds(60), left(seconds(60))), enough(seconds(60), left(seconds(60)) + 1)]).toEqual([true, false]);
    expect([enough(0, left(1)), enough(0, left(0))]).toEqual([true, false]);
  });

  const moment = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  it.each(providers)('a healthy connection of $id is never refreshed because of a reader', provider => {
    fc.assert(
      fc.property(
        names,
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        fc.double({ min: 0.05, max: 3, noNaN: true }),
        fc.integer({ min: 0, max: 86_400_000 }),
        moment,
        moment,
        (name, refreshAt, factor, minTtl, phase, point) => {
          const ofProvider = { ...policy, refreshAt, tick: tickOf(provider) };
          const connection = idOf(name, provider.id);
          const expiresAt = plus(START, provider.lifetime * factor);
          const dueAt = renewalOf(ofProvider, connection, START, expiresAt);
          // The schedule looks once a tick, whenever that began.
          const until = Math.min(dueAt + phase * ofProvider.tick, expiresAt);
          const now = epochMs(Math.min(START + Math.floor(point * (until - START)), Math.ceil(until) - 1));
          const life = { issuedAt: START, expiresAt };
          const tried = { discoveredVersion: secretVersion('1'), usedVersion: secretVersion('1') };
          const record = connectionOf(connection, { status: 'healthy', dueAt, ...life, ...tried });
          const decision = decideDemand(record, life, now, { kind: 'ifNeeded', minTtl }, ofProvider);
          expect(decision).toEqual({ action: 'wait', reason: 'fresh' });
        },
      ),
      { ...SEED, numRuns: 300 },
    );
  });
});

it('a faster world has shorter pauses, and the same bounds of real work', () => {
  const fast = scaled(policy, 60);
  expect(fast.floor).toBe(seconds(1));
  expect(fast.probe.first).toBe(minutes(1));
  const { lease, callDeadline, runDeadline } = policy;
  expect(fast).toMatchObject({ lease, callDeadline, runDeadline });
});

describe('deadlines', () => {
  const slow = (callDeadline: number, callsPerRun: number) => ({ callDeadline, callsPerRun });

  it('of a call are the policy’s, unless the definition has its own', () => {
    expect(callDeadlineOf(policy, {})).toBe(seconds(8));
    expect(callDeadlineOf(policy, { callDeadline: seconds(12) })).toBe(seconds(12));
  });

  it.each([
    ['no more than the policy says', { callsPerRun: 1 }, 20],
    ['a refresh grant and a login', { callsPerRun: 2 }, 20],
    ['a refresh grant and a login in two steps', { callsPerRun: 3 }, 28],
    ['both calls of a slow provider', slow(seconds(12), 2), 28],
    ['all that the lease allows', slow(seconds(16.5), 2), 37],
    ['no more than the lease allows', slow(seconds(60), 2), 37],
  ])('of a run hold %s', (_, provider, expected) => {
    expect(runDeadlineOf(policy, provider)).toBe(seconds(expected));
  });

  it.each([
    [1, 33, 30],
    [2, 16.5, 15],
    [3, 11, 10],
  ])('of %i calls are at most %f s, and %f s with a rate limit', (callsPerRun, without, withLimit) => {
    const rateLimit = { calls: 1, per: seconds(1) };
    expect(longestCallDeadline(policy, { callsPerRun })).toBe(seconds(without));
    expect(longestCallDeadline(policy, { callsPerRun, rateLimit })).toBe(seconds(withLimit));
  });

  it('leave a slow provider less time to wait for slots', () => {
    expect(slotPatienceOf(policy, { callsPerRun: 2 })).toBe(seconds(15));
    expect(slotPatienceOf(policy, slow(seconds(12), 2))).toBe(seconds(9));
    expect(slotPatienceOf(policy, slow(seconds(15), 2))).toBe(seconds(3));
  });
});

it('the lease outlasts every call of a run and the commit after it', () => {
  expect(policy.runDeadline).toBeGreaterThan(2 * policy.callDeadline);
  expect(policy.lease).toBeGreaterThanOrEqual(policy.runDeadline + seconds(15) + policy.commit);
  expect(policy.lease).toBeLessThan(tickOf({ lifetime: 0 }) + 1);
});

it('the chance that tests use is the same for the same seed', () => {
  const [one, other] = [seeded(7), seeded(7)];
  expect([one(), one(), one()]).toEqual([other(), other(), other()]);
});
