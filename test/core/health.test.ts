import { describe, expect, it } from 'vitest';
import { isOverdue, judge, lifeLeft, type ProviderPace, patienceOf } from '../../lib/core/health.ts';
import { spread } from '../../lib/core/shard.ts';
import { type Connection, hours, type Listed, minutes, plus, seconds } from '../../lib/core/types.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';

const quick: ProviderPace = { tick: minutes(1), refreshAt: 0.5, lifetime: minutes(10) };
const slow: ProviderPace = { tick: minutes(5), refreshAt: 0.5, lifetime: hours(24) };
const paces = new Map([['test-provider', quick]]);
const half = {
  status: 'healthy',
  dueAt: plus(START, 1),
  issuedAt: plus(START, -minutes(5)),
  expiresAt: plus(START, minutes(5)),
} as const;
/** A connection whose name moves its renewal by this part of the jitter, from 0 to 1. */
const connectionWith = (part: number) => {
  const names = Array.from({ length: 1000 }, (_, n) => idOf(`name-${n}`));
  const [nearest] = names.toSorted(
    (a, b) => Math.abs(spread(a, 'renewal') - part) - Math.abs(spread(b, 'renewal') - part),
  );
  if (!nearest) throw new Error('no name');
  return { connection: nearest };
};
const centred = connectionWith(0.5);
const record = (change: Partial<Connection> = {}): Listed => connectionOf(idOf('acme'), { ...half, ...change });
const seen = (...records: Listed[]) => judge(records, paces, START);

describe('the life left of a token', () => {
  it.each([
    ['all, before its renewal is due', { issuedAt: plus(START, -minutes(1)), expiresAt: plus(START, minutes(9)) }, 1],
    ['all, at the moment at which it is due', half, 1],
    ['half, halfway from there to its end', { issuedAt: plus(START, -30), expiresAt: plus(START, 10) }, 0.5],
    ['nothing, at its end', { issuedAt: plus(START, -5), expiresAt: START }, 0],
    ['nothing, without a token', {}, 0],
  ])('is %s', (_, token, share) => {
    expect(lifeLeft({ ...centred, ...token }, { refreshAt: 0.5 }, START)).toBeCloseTo(share, 2);
  });

  it('is a share of the time in which its provider renews it, if that is shorter', () => {
    const token = { issuedAt: plus(START, -minutes(57)), expiresAt: plus(START, minutes(3)) };
    const first = connectionWith(0);
    expect(lifeLeft({ ...first, ...token }, { refreshAt: 0.5, renewWithin: minutes(6) }, START)).toBeCloseTo(0.5, 1);
  });

  it('is a share of what a token has left at its renewal, whenever that is', () => {
    const token = { issuedAt: plus(START, -90_000), expiresAt: plus(START, 10_000) };
    expect(lifeLeft({ ...centred, ...token }, { refreshAt: 0.8 }, START)).toBeCloseTo(0.5, 1);
  });

  it('stays above one half until the second tick, even if its name moves its renewal as late as possible', () => {
    const life = hours(24);
    for (const [refreshAt, part] of [0.5, 0.84, 0.89].flatMap(share =>
      [0, 0.5, 1].map(part => [share, part] as const),
    )) {
      const due = life * refreshAt * (0.9 + 0.2 * part);
      const token = { ...connectionWith(part), issuedAt: START, expiresAt: plus(START, life) };
      expect(lifeLeft(token, { refreshAt }, plus(START, due + minutes(6)))).toBeGreaterThan(0.5);
    }
  });
});

describe('a connection', () => {
  it('may be due for two ticks, or a tenth of its lifetime', () => {
    expect(patienceOf(quick)).toBe(minutes(2));
    expect(patienceOf(slow)).toBe(hours(2.4));
  });

  it.each([
    ['not if it has just become due', half, quick, false],
    ['after two ticks', { ...half, dueAt: plus(START, -minutes(2)) }, quick, true],
    ['not a moment before', { ...half, dueAt: plus(START, -minutes(2) + 1) }, quick, false],
    [
      'after 80 s, if its token expires soon',
      { dueAt: plus(START, -seconds(80)), expiresAt: plus(START, seconds(200)) },
      quick,
      true,
    ],
    ['not before 80 s', { dueAt: plus(START, -seconds(79)), expiresAt: plus(START, seconds(200)) }, quick, false],
    [
      'not after 80 s, if it does not',
      { dueAt: plus(START, -seconds(80)), expiresAt: plus(START, seconds(201)) },
      quick,
      false,
    ],
    [
      'not while a worker has it',
      { ...half, dueAt: plus(START, -minutes(9)), leaseUntil: plus(START, 1) },
      quick,
      false,
    ],
    ['if the worker that had it is gone', { ...half, dueAt: plus(START, -minutes(9)), leaseUntil: START }, quick, true],
    [
      'not after an hour, if its tokens are valid for a day',
      { ...half, dueAt: plus(START, -hours(1)), expiresAt: plus(START, hours(9)) },
      slow,
      false,
    ],
    ['even if it never had a token', { dueAt: plus(START, -minutes(2)) }, quick, true],
  ])('is overdue: %s', (_, change, pace, expected) => {
    expect(isOverdue(change, pace, START)).toBe(expected);
  });
});

describe('the health of all connections', () => {
  it('of none is good', () => {
    expect(seen()).toEqual({
      connections: 0,
      byStatus: { new: 0, healthy: 0, failing: 0, attention: 0 },
      lowestLife: 1,
      longestOverdue: 0,
      longestFailing: 0,
    });
  });

  it('is that of the worst of them', () => {
    const low = record({ issuedAt: plus(START, -minutes(9)), expiresAt: plus(START, minutes(1)) });
    const late = record({ dueAt: plus(START, -minutes(3)) });
    const failing = record({ status: 'failing', failures: 2, failingSince: plus(START, -minutes(4)) });
    expect(seen(record(), low, late, failing)).toEqual({
      connections: 4,
      byStatus: { new: 0, healthy: 3, failing: 1, attention: 0 },
      lowestLife: expect.closeTo(0.2, 1),
      longestOverdue: 1.5,
      longestFailing: minutes(4),
    });
  });

  it('does not count the life of a connection that was never tried, or that needs attention', () => {
    const fresh = connectionOf(idOf('new'));
    const stopped = record({ status: 'attention', expiresAt: START, failingSince: plus(START, -hours(1)) });
    expect(seen(fresh, stopped)).toMatchObject({
      lowestLife: 1,
      longestFailing: 0,
      byStatus: { new: 1, attention: 1 },
    });
  });

  it('counts the life of a connection that failed before it ever had a token', () => {
    expect(seen(connectionOf(idOf('new'), { status: 'failing' })).lowestLife).toBe(0);
  });

  it('leaves out what is retired', () => {
    expect(seen(record({ retiredAt: START, dueAt: plus(START, -hours(1)) }))).toMatchObject({
      connections: 0,
      longestOverdue: 0,
    });
  });
});
