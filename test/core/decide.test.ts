import { describe, expect, it } from 'vitest';
import { type Decision, type Demand, decideDemand, decideDue, type Published } from '../../lib/core/decide.ts';
import { defaultPolicy as policy, promised } from '../../lib/core/policy.ts';
import {
  type Connection,
  type EpochMs,
  hours,
  minutes,
  plus,
  seconds,
  secretVersion,
  version,
} from '../../lib/core/types.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';

const v1 = secretVersion('v1');
const v2 = secretVersion('v2');
const at = (offset: number) => plus(START, offset);

const life = { issuedAt: at(-minutes(30)), expiresAt: at(minutes(30)) };
/** Half an hour into a token of an hour, that is renewed in a moment. */
const healthy: Partial<Connection> = {
  status: 'healthy',
  ...life,
  dueAt: at(minutes(1)),
  discoveredVersion: v1,
  usedVersion: v1,
};
const attention = { status: 'attention', failures: 1, dueAt: at(hours(1)) } as const;
const failing = { status: 'failing', failures: 2, dueAt: at(5) } as const;
const record = (change: Partial<Connection>) => connectionOf(idOf('acme'), { ...healthy, ...change });

const refresh = (reason: string) => ({ action: 'refresh', reason });
const wait = (reason: string, until?: number) => ({ action: 'wait', reason, ...(until !== undefined && { until }) });

/** The tables agree. */
const demand = (connection: Connection, wanted: Demand): Decision => {
  const { issuedAt, expiresAt } = connection;
  const published = issuedAt !== undefined && expiresAt !== undefined ? { issuedAt, expiresAt } : undefined;
  return decideDemand(connection, published, START, wanted, policy);
};

/** The same for every kind of request. */
const held: readonly [string, Partial<Connection>, object][] = [
  ['is retired, even if it is due', { retiredAt: at(-1), dueAt: START }, wait('retired')],
  ['is leased, even if it is due', { leaseUntil: at(1), dueAt: START }, wait('leased', at(1))],
  ['is leased, even if its credentials changed', { leaseUntil: at(1), discoveredVersion: v2 }, wait('leased', at(1))],
  ['needs a person', attention, wait('attention', at(hours(1)))],
  ['backs off', failing, wait('backing_off', at(5))],
  ['backs off, even if its credentials changed', { ...failing, discoveredVersion: v2 }, wait('backing_off', at(5))],
];

const ways: readonly [string, (connection: Connection) => Decision][] = [
  ['the schedule', connection => decideDue(connection, START)],
  ['a reader', connection => demand(connection, { kind: 'ifNeeded', minTtl: hours(24) })],
  ['a consumer with a refused token', connection => demand(connection, { kind: 'force', issuedAt: at(-minutes(30)) })],
];

describe.each(ways)('%s waits for a connection that', (_, decide) => {
  it.each(held)('%s', (_name, change, decision) => expect(decide(record(change))).toEqual(decision));
});

describe('the schedule', () => {
  it.each<[string, Partial<Connection>, object]>([
    ['refreshes what is due to the millisecond', { dueAt: START }, refresh('due')],
    ['waits until then', { dueAt: at(1) }, wait('not_due', at(1))],
    ['refreshes what is new', { status: 'new', dueAt: START }, refresh('due')],
    ['takes over a lease that has ended', { leaseUntil: START, dueAt: START }, refresh('due')],
    ['probes what needs a person once that is due', { ...attention, dueAt: START }, refresh('due')],
    ['tries changed credentials at once', { discoveredVersion: v2 }, refresh('credentials_changed')],
    ['also if these alone could help', { ...attention, discoveredVersion: v2 }, refresh('credentials_changed')],
    ['but once if it found them first', { usedVersion: v2, settledVersion: v1 }, wait('not_due', at(minutes(1)))],
  ])('%s', (_, change, decision) => expect(decideDue(record(change), START)).toEqual(decision));

  it('does not count an unknown version as a change', () => {
    const { discoveredVersion: _, ...unversioned } = record({});
    expect(decideDue(unversioned, START)).toEqual(wait('not_due', at(minutes(1))));
  });
});

/** A token of an hour with as much time left as the schedule can promise. */
const left = promised(policy, hours(1));
const longPromised = { issuedAt: at(left - hours(1)), expiresAt: at(left) };

describe('a reader', () => {
  it.each<[string, Partial<Connection>, number, object]>([
    ['gets what is left if that is enough', {}, minutes(30), wait('fresh')],
    ['gets what the schedule can promise if it wants more', longPromised, hours(24), wait('fresh')],
    ['does not make due work come earlier', { dueAt: START }, minutes(10), wait('fresh')],
    ['does not make changed credentials tried earlier', { discoveredVersion: v2 }, minutes(10), wait('fresh')],
    [
      'has a token refreshed that is a millisecond too short',
      { expiresAt: at(minutes(5)) },
      minutes(5) + 1,
      refresh('requested'),
    ],
    ['has what is due and short refreshed', { dueAt: START, expiresAt: at(1) }, minutes(1), refresh('due')],
    ['has an expired token refreshed even if it asks for nothing', { expiresAt: START }, 0, refresh('requested')],
  ])('%s', (_, change, minTtl, decision) => {
    expect(demand(record(change), { kind: 'ifNeeded', minTtl })).toEqual(decision);
  });

  it('of whatever kind, waits until the provider renews a token that no login could replace', () => {
    const late = { ...policy, renewWithin: minutes(20) };
    const demands: readonly Demand[] = [
      { kind: 'force', issuedAt: life.issuedAt },
      { kind: 'operator' },
      { kind: 'ifNeeded', minTtl: 0 },
    ];
    for (const wish of demands) {
      const decided = (change: object, token: typeof life | undefined) =>
        decideDemand(record(change), token, START, wish, late);
      const published = wish.kind === 'ifNeeded' ? undefined : life;
      expect(decided({ redeemedCode: 'f' }, published)).toEqual(wait('too_early', at(minutes(10))));
      expect(decided({}, published)).toMatchObject({ action: 'refresh' });
      const near = { issuedAt: life.issuedAt, expiresAt: at(minutes(20)) };
      expect(decided({ redeemedCode: 'f', ...near }, published && near)).toMatchObject({ action: 'refresh' });
    }
  });

  it('requests a first token if there has been none', () => {
    const { issuedAt: _, expiresAt: __, ...never } = record({});
    expect(demand(never, { kind: 'ifNeeded', minTtl: 0 })).toEqual(refresh('requested'));
  });
});

describe('a consumer with a refused token', () => {
  it.each<[string, Partial<Connection>, object]>([
    ['has a fresh token replaced', {}, refresh('forced')],
    ['has a due one replaced', { dueAt: START }, refresh('forced')],
    ['cannot do so again at once', { forcedAt: at(-1) }, wait('forced_recently', at(seconds(30) - 1))],
    ['nor if it is due', { forcedAt: at(-1), dueAt: START }, wait('forced_recently', at(seconds(30) - 1))],
    ['can half a minute later', { forcedAt: at(-seconds(30)) }, refresh('forced')],
    ['has new credentials tried', { ...attention, discoveredVersion: v2 }, refresh('forced')],
  ])('%s', (_, change, decision) => {
    expect(demand(record(change), { kind: 'force', issuedAt: at(-minutes(30)) })).toEqual(decision);
  });

  it.each<[string, Partial<Connection>, number, object]>([
    ['is no longer the one has a newer one', {}, -minutes(31), wait('renewed')],
    ['is no longer the one has one by a slower clock', {}, -minutes(29), wait('renewed')],
    ['is no longer the one has a newer one, forced a moment ago', { forcedAt: at(-1) }, -minutes(31), wait('renewed')],
    ['was replaced by one that expired', { expiresAt: START }, -minutes(31), refresh('forced')],
    ['belongs to a retired connection', { retiredAt: at(-1) }, -minutes(31), wait('retired')],
    ['is older than one that is being renewed', { leaseUntil: at(1) }, -minutes(31), wait('renewed')],
    ['is being renewed', { leaseUntil: at(1) }, -minutes(30), wait('leased', at(1))],
  ])('that %s', (_, change, refused, decision) => {
    expect(demand(record(change), { kind: 'force', issuedAt: at(refused) })).toEqual(decision);
  });
});

describe('what is published decides, whatever the record says', () => {
  const read: Demand = { kind: 'ifNeeded', minTtl: 0 };
  const forced: Demand = { kind: 'force', issuedAt: at(-minutes(30)) };
  it.each<[string, { issuedAt: EpochMs; expiresAt: EpochMs } | undefined, Demand, object]>([
    ['a reader of a token that is missing', undefined, read, refresh('requested')],
    ['a reader of one that has expired', { issuedAt: at(-hours(2)), expiresAt: START }, read, refresh('requested')],
    ['a consumer whose refused token is still there', { ...life, expiresAt: at(1) }, forced, refresh('forced')],
    ['a consumer whose refused token has gone', undefined, forced, refresh('forced')],
  ])('%s', (_, published, wanted, decision) => {
    const connection = record({ issuedAt: at(-1), expiresAt: at(hours(1)) });
    expect(decideDemand(connection, published, START, wanted, policy)).toEqual(decision);
  });
});

describe('an operator', () => {
  it.each<[string, Partial<Connection>, object]>([
    ['has a fresh token replaced, however often', { forcedAt: START }, refresh('operator')],
    ['has what needs a person tried', attention, refresh('operator')],
    ['has what backs off tried', failing, refresh('operator')],
    ['waits for the worker that has the lease', { leaseUntil: at(1) }, wait('leased', at(1))],
    ['brings nothing back that is retired', { retiredAt: at(-1) }, wait('retired')],
  ])('%s', (_, change, decision) => expect(demand(record(change), { kind: 'operator' })).toEqual(decision));
});

it('a connection that only a person can bring back is tried once more if its token is refused', () => {
  const forced: Demand = { kind: 'force', issuedAt: at(-minutes(30)) };
  expect(demand(record({ ...attention, redeemedCode: 'f' }), forced)).toEqual(refresh('forced'));
  expect(demand(record(attention), forced)).toEqual(wait('attention', at(hours(1))));
});

describe('a reader of a connection whose refresh token is in doubt', () => {
  const doubtful = record({
    status: 'attention',
    failures: 1,
    dueAt: at(minutes(20)),
    session: { version: version(1), inDoubt: true },
  });
  const demanded = (connection: Connection, published: Published | undefined) =>
    decideDemand(connection, published, START, { kind: 'ifNeeded', minTtl: hours(1) }, policy);

  it.each([
    ['is missing', undefined],
    ['is an older one that has expired', { issuedAt: at(-hours(2)), expiresAt: START }],
  ])('has it sent if the token %s', (_, published) => {
    expect(demanded(doubtful, published)).toEqual(refresh('nothing_to_lose'));
  });

  it('waits if the token is there', () => {
    expect(demanded(doubtful, life)).toEqual(wait('attention', at(minutes(20))));
  });

  it.each([
    ['the record contains no token', { expiresAt: undefined }],
    ['its token has expired', { expiresAt: START }],
    ['nothing is in doubt', { session: { version: version(1) } }],
  ])('waits if %s', (_, change) => {
    const { expiresAt: __, ...rest } = doubtful;
    const connection = { ...doubtful, ...change };
    const known = connection.expiresAt === undefined ? rest : (connection as Connection);
    expect(demanded(known, undefined)).toEqual(wait('attention', at(minutes(20))));
  });
});
