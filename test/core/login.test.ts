import { describe, expect, it } from 'vitest';
import type { Failed, Outcome } from '../../lib/core/interpret.ts';
import {
  afterHolding,
  afterRefresh,
  afterTry,
  duringTry,
  heldBack,
  type LoginState,
  type LoginTry,
} from '../../lib/core/login.ts';
import { defaultPolicy as policy } from '../../lib/core/policy.ts';
import { hours, minutes, plus } from '../../lib/core/types.ts';
import { START } from '../kit/records.ts';

const named: Failed = { kind: 'refused', code: 'invalid_grant', status: 401 };
const unnamed: Failed = { kind: 'rejected', code: 'access_refused', status: 401 };
const granted = { kind: 'granted' } as Outcome;

/** One user at one host, with all connections that use it. */
const account = () => {
  let state: LoginState = { refused: [] };
  let now = START;
  const it = (who: string, login = 'password', worked = false): LoginTry => ({
    ...{ login, credentials: `credentials of ${who}`, worked },
  });
  return {
    it,
    state: () => state,
    pass: (time: number) => {
      now = plus(now, time);
    },
    held: (one: LoginTry) => heldBack(state, one, now),
    /** Tried, if it is not held back. */
    tries: (one: LoginTry, outcome: Outcome): boolean => {
      const held = heldBack(state, one, now);
      state = held ? afterHolding(state, one, now) : afterTry(policy, state, one, outcome, now);
      return !held;
    },
    release: (login: string) => {
      state = afterRefresh(state, login, now);
    },
    begins: (one: LoginTry) => {
      state = duringTry(policy, state, one, now);
    },
  };
};

describe('a refused login', () => {
  it.each([named, unnamed])('that never worked is tried once: $code', outcome => {
    const { it, tries, held } = account();
    expect(tries(it('a'), outcome)).toBe(true);
    expect(held(it('a'))).toMatchObject({ kind: outcome.kind, code: outcome.code });
    expect(held(it('b'))).toMatchObject({ kind: outcome.kind, code: outcome.code });
  });

  it.each([named, unnamed])('that worked is tried by one other connection, and no third: $code', outcome => {
    const { it, tries } = account();
    tries(it('a'), granted);
    expect(tries(it('b'), outcome)).toBe(true);
    expect(tries(it('b'), outcome)).toBe(false);
    expect(tries(it('c'), outcome)).toBe(true);
    for (const who of ['a', 'b', 'c', 'd']) expect(tries(it(who, 'password', who === 'a'), outcome)).toBe(false);
  });

  it('is tried by no other if the connection that was refused had worked', () => {
    const { it, tries } = account();
    tries(it('a'), granted);
    expect(tries(it('a', 'password', true), named)).toBe(true);
    expect(tries(it('b'), named)).toBe(false);
  });

  it('is one connection’s own fault once another was granted with it', () => {
    const { it, tries, held } = account();
    tries(it('a'), granted);
    tries(it('b'), named);
    expect(tries(it('c'), granted)).toBe(true);
    expect(held(it('b'))).toMatchObject({ kind: 'refused' });
    for (const who of ['a', 'c', 'd', 'b corrected']) expect(held(it(who))).toBeUndefined();
    expect(tries(it('d'), named)).toBe(true);
    expect(tries(it('e'), granted)).toBe(true);
  });

  it('holds back no connection once the refused credentials are granted', () => {
    const { it, tries, pass, state } = account();
    tries(it('a'), granted);
    tries(it('b'), unnamed);
    tries(it('c'), unnamed);
    pass(hours(1));
    expect(tries(it('b'), granted)).toBe(true);
    expect(state()).toEqual({ refused: [], granted: 'password' });
  });

  it('of a wrong application gives no verdict on the user', () => {
    const { it, tries, held, state } = account();
    tries(it('a'), granted);
    expect(tries(it('b'), { kind: 'refused', code: 'invalid_client' })).toBe(true);
    expect(state().granted).toBe('password');
    expect(state().wrong).toBeUndefined();
    expect(held(it('b'))).toMatchObject({ code: 'invalid_client' });
    for (const who of ['c', 'd', 'e']) expect(tries(it(who), granted)).toBe(true);
  });
});

it('a rejection without a reason is repeated after 2 minutes, 1 hour, 8 hours, and then every 16', () => {
  const { it, tries, pass } = account();
  const tried: number[] = [];
  for (let minute = 0; minute < 4 * 24 * 60; minute += 1) {
    // Always another one: all of them use the same login.
    if (tries(it(`${minute}`), unnamed)) tried.push(minute);
    pass(minutes(1));
  }
  const hour = 60;
  expect(tried).toEqual([
    0,
    2,
    2 + hour,
    2 + 9 * hour,
    2 + 25 * hour,
    2 + 41 * hour,
    2 + 57 * hour,
    2 + 73 * hour,
    2 + 89 * hour,
  ]);
  for (const at of tried)
    expect(tried.filter(each => each >= at && each < at + 24 * hour).length).toBeLessThanOrEqual(4);
});

it('the pauses of one password count the tries of another', () => {
  const { it, tries, pass } = account();
  for (const login of ['one', 'two', 'three']) expect(tries(it(login, login), unnamed)).toBe(true);
  pass(hours(8) - 1);
  expect(['one', 'two', 'three'].filter(login => tries(it(login, login), unnamed))).toEqual([]);
  pass(1);
  expect(['one', 'two', 'three'].filter(login => tries(it(login, login), unnamed))).toHaveLength(1);
});

it('that was rejected is not its own second opinion', () => {
  const { it, tries, pass } = account();
  tries(it('a'), granted);
  for (const login of ['one', 'two']) tries(it(login, login), unnamed);
  expect(tries(it('b'), unnamed)).toBe(true);
  pass(hours(1));
  expect(tries(it('b'), unnamed)).toBe(false);
});

it('a correction is tried even if the login before it was tried often', () => {
  const { it, tries, pass } = account();
  for (let day = 0; day < 9; day += 1) {
    expect(tries(it('a'), unnamed)).toBe(true);
    pass(hours(24));
  }
  expect(tries(it('a', 'corrected'), granted)).toBe(true);
});

it('if there is no room for another refusal, the stored ones are tried again when they are due', () => {
  const refused = Array.from({ length: 64 }, (_, n) => ({
    ...({ fingerprint: `${n}`, login: 'password', code: 'access_refused', times: 1, at: START, until: START } as const),
  }));
  const one = { login: 'password', worked: false };
  expect(heldBack({ refused }, { ...one, credentials: '7' }, START)).toBeUndefined();
  expect(heldBack({ refused }, { ...one, credentials: 'new' }, START)).toEqual({
    kind: 'refused',
    code: 'access_refused',
  });
});

describe('different wrong passwords of one user', () => {
  it.each([named, unnamed])('are three, until a person acts: $code', outcome => {
    const { it, tries, held, pass } = account();
    const tried = () => Array.from({ length: 12 }, (_, n) => tries(it(`${n}`, `wrong-${n}`), outcome)).filter(Boolean);
    expect(tried()).toHaveLength(3);
    expect(held(it('x', 'another'))).toEqual({ kind: 'refused', code: outcome.code });
    pass(minutes(1));
    expect(tried()).toHaveLength(0);
  });

  it('leave the fourth try to the one that works, and none after it', () => {
    const { it, tries } = account();
    tries(it('a', 'right'), granted);
    for (const n of [1, 2, 3]) tries(it(`${n}`, `wrong-${n}`), named);
    expect(tries(it('4', 'wrong-4'), named)).toBe(false);
    expect(tries(it('a', 'right', true), named)).toBe(true);
    expect(tries(it('b', 'right'), named)).toBe(false);
  });

  it('count from the last login that was granted, and stay wrong after it', () => {
    const { it, tries } = account();
    tries(it('a', 'right'), granted);
    for (const n of [1, 2, 3]) tries(it(`${n}`, `wrong-${n}`), named);
    tries(it('a', 'right', true), granted);
    for (const n of [1, 2, 3]) expect(tries(it(`${n}`, `wrong-${n}`), named)).toBe(false);
    expect(tries(it('4', 'wrong-4'), named)).toBe(true);
  });

  it('are remembered as long as a connection has them', () => {
    const { it, tries, pass } = account();
    const wrong = Array.from({ length: 40 }, (_, n) => it(`${n}`, `wrong-${n}`));
    let tried = 0;
    for (let day = 0; day < 40; day += 1) {
      tries(it('a', 'right', true), granted);
      for (const one of wrong) if (tries(one, named)) tried += 1;
      pass(hours(24));
    }
    // Two entries each: those that there is no room for are not tried.
    expect(tried).toBe(32);
  });

  it('leave room for the one that was granted last, whatever else its connection has now', () => {
    const { it, tries } = account();
    for (let n = 0; n < 40; n += 1) {
      expect(tries(it(`right-${n}`, 'right'), granted)).toBe(true);
      tries(it(`${n}`, `wrong-${n}`), named);
    }
    expect(tries(it('right-again', 'right'), granted)).toBe(true);
  });

  it('are forgotten a week after the last connection used them', () => {
    const { it, tries, pass, state } = account();
    tries(it('a', 'right'), granted);
    tries(it('b', 'old'), named);
    pass(hours(7 * 24));
    tries(it('c', 'new'), named);
    expect(state().refused.map(({ fingerprint }) => fingerprint)).toEqual(['credentials of c', 'new']);
  });
});

describe('a try without a stored outcome', () => {
  it('counts as rejected, and says that the login is in use', () => {
    const { it, begins, held, pass } = account();
    begins(it('a'));
    expect(held(it('b'))).toEqual({ kind: 'retry', code: 'login_in_use', retryAfter: policy.lease });
    pass(policy.lease);
    expect(held(it('b'))).toBeUndefined();
    begins(it('b'));
    expect(held(it('b'))).toEqual({ kind: 'retry', code: 'login_in_use', retryAfter: policy.lease });
    pass(policy.lease);
    begins(it('b'));
    expect(held(it('b'))).toEqual({ kind: 'retry', code: 'login_in_use', retryAfter: hours(1) });
  });
});

it('a try of a working login without a stored outcome is repeated once, at once', () => {
  const { it, tries, begins, held } = account();
  tries(it('other'), granted);
  tries(it('faulty'), named);
  tries(it('a', 'password', true), granted);
  begins(it('a', 'password', true));
  expect(held(it('faulty'))).toMatchObject({ kind: 'refused' });
  expect(held(it('a', 'password', true))).toBeUndefined();
  expect(held(it('b'))).toBeUndefined();
  begins(it('a', 'password', true));
  for (const who of ['a', 'b'])
    expect(held(it(who, 'password', who === 'a'))).toMatchObject({ kind: 'retry', retryAfter: policy.lease });
});

describe('a refresh grant that works again', () => {
  it('ends the pause of a login that was rejected without a reason, and leaves the next pause longer', () => {
    const { it, tries, held, pass, release } = account();
    for (const wait of [0, minutes(2), hours(1)]) {
      pass(wait);
      expect(tries(it('a'), unnamed)).toBe(true);
    }
    expect(held(it('a'))).toMatchObject({ kind: 'rejected', retryAfter: hours(8) });
    release('password');
    expect(tries(it('a'), unnamed)).toBe(true);
    expect(held(it('a'))).toMatchObject({ retryAfter: hours(16) });
  });

  it('says nothing of a login that was refused, nor of another', () => {
    const { it, tries, held, release } = account();
    tries(it('a', 'wrong'), named);
    tries(it('b', 'other'), unnamed);
    release('wrong');
    expect(held(it('a', 'wrong'))).toMatchObject({ kind: 'refused' });
    expect(held(it('b', 'other'))).toMatchObject({ kind: 'rejected' });
  });
});

it.each<Outcome>([
  { kind: 'retry', code: 'provider_error' },
  { kind: 'refused', code: 'organisation_mismatch' },
])('an answer that says nothing about the login changes nothing: $code', outcome => {
  const { it, tries, state } = account();
  expect(tries(it('a'), outcome)).toBe(true);
  expect(state()).toEqual({ refused: [] });
});

describe.each(['timeout', 'network', 'malformed_answer'] as const)('an answer that is lost or garbled (%s)', code => {
  const lost = { kind: 'unknown', code } as const;

  it('may have been a refusal: at most four tries within nine hours', () => {
    const { it, tries, pass } = account();
    let count = 0;
    for (let minute = 0; minute < 9 * 60; minute += 1) {
      if (tries(it('a'), lost)) count += 1;
      pass(minutes(1));
    }
    expect(count).toBe(4);
  });

  it('of a login that worked before is repeated at least once an hour, and four times at most in half an hour', () => {
    const { it, tries, pass } = account();
    tries(it('a', 'password', true), granted);
    const tried: number[] = [];
    for (let minute = 0; minute < 5 * 60; minute += 1) {
      // Always another one: all of them use the same login.
      if (tries(it(`${minute}`, 'password', true), lost)) tried.push(minute);
      pass(minutes(1));
    }
    expect(tried).toEqual([0, 1, 2, 17, 47, 107, 167, 227, 287]);
  });

  it('counts no more once the login is granted', () => {
    const { it, tries, pass } = account();
    for (let minute = 0; minute < 60; minute += 1) {
      expect(tries(it('a', 'password', true), minute % 3 ? lost : granted)).toBe(true);
      pass(minutes(1));
    }
  });
});
