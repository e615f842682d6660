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
  const by = (who: string, login = 'password', worked = false): LoginTry => {
    return { login, credentials: `credentials of ${who}`, worked };
  };
  return {
    by,
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

/** In which of so many minutes a login was tried. Each time it is another connection that uses it. */
const minutesTried = (
  { by, tries, pass }: ReturnType<typeof account>,
  count: number,
  outcome: Outcome,
  worked = false,
): readonly number[] =>
  Array.from({ length: count }, (_, minute) => minute).filter(minute => {
    const tried = tries(by(`${minute}`, 'password', worked), outcome);
    pass(minutes(1));
    return tried;
  });

describe('a refused login', () => {
  it.each([named, unnamed])('that never worked is tried once: $code', outcome => {
    const { by, tries, held } = account();
    expect(tries(by('a'), outcome)).toBe(true);
    expect(held(by('a'))).toMatchObject({ kind: outcome.kind, code: outcome.code });
    expect(held(by('b'))).toMatchObject({ kind: outcome.kind, code: outcome.code });
  });

  it.each([named, unnamed])('that worked is tried by one other connection, and no third: $code', outcome => {
    const { by, tries } = account();
    tries(by('a'), granted);
    expect(tries(by('b'), outcome)).toBe(true);
    expect(tries(by('b'), outcome)).toBe(false);
    expect(tries(by('c'), outcome)).toBe(true);
    for (const who of ['a', 'b', 'c', 'd']) expect(tries(by(who, 'password', who === 'a'), outcome)).toBe(false);
  });

  it('is tried by no other if the connection that was refused had worked', () => {
    const { by, tries } = account();
    tries(by('a'), granted);
    expect(tries(by('a', 'password', true), named)).toBe(true);
    expect(tries(by('b'), named)).toBe(false);
  });

  it('is one connection’s own fault once another was granted with it', () => {
    const { by, tries, held } = account();
    tries(by('a'), granted);
    tries(by('b'), named);
    expect(tries(by('c'), granted)).toBe(true);
    expect(held(by('b'))).toMatchObject({ kind: 'refused' });
    for (const who of ['a', 'c', 'd', 'b corrected']) expect(held(by(who))).toBeUndefined();
    expect(tries(by('d'), named)).toBe(true);
    expect(tries(by('e'), granted)).toBe(true);
  });

  it('holds back no connection once the refused credentials are granted', () => {
    const { by, tries, pass, state } = account();
    tries(by('a'), granted);
    tries(by('b'), unnamed);
    tries(by('c'), unnamed);
    pass(hours(1));
    expect(tries(by('b'), granted)).toBe(true);
    expect(state()).toEqual({ refused: [], granted: 'password' });
  });

  it('of a wrong application gives no verdict on the user', () => {
    const { by, tries, held, state } = account();
    tries(by('a'), granted);
    expect(tries(by('b'), { kind: 'refused', code: 'invalid_client' })).toBe(true);
    expect(state().granted).toBe('password');
    expect(state().wrong).toBeUndefined();
    expect(held(by('b'))).toMatchObject({ code: 'invalid_client' });
    for (const who of ['c', 'd', 'e']) expect(tries(by(who), granted)).toBe(true);
  });
});

it('a rejection without a reason is repeated after 2 minutes, 1 hour, 8 hours, and then every 16', () => {
  const hoursAfter = [0, 1, 9, 25, 41, 57, 73, 89];
  expect(minutesTried(account(), 4 * 24 * 60, unnamed)).toEqual([0, ...hoursAfter.map(hour => 2 + hour * 60)]);
});

it('the pauses of one password count the tries of another', () => {
  const { by, tries, pass } = account();
  for (const login of ['one', 'two', 'three']) expect(tries(by(login, login), unnamed)).toBe(true);
  pass(hours(8) - 1);
  expect(['one', 'two', 'three'].filter(login => tries(by(login, login), unnamed))).toEqual([]);
  pass(1);
  expect(['one', 'two', 'three'].filter(login => tries(by(login, login), unnamed))).toHaveLength(1);
});

it('a connection whose login was rejected is not its own second opinion', () => {
  const { by, tries, pass } = account();
  tries(by('a'), granted);
  for (const login of ['one', 'two']) tries(by(login, login), unnamed);
  expect(tries(by('b'), unnamed)).toBe(true);
  pass(hours(1));
  expect(tries(by('b'), unnamed)).toBe(false);
});

it('a correction is tried even if the login before it was tried often', () => {
  const { by, tries, pass } = account();
  for (let day = 0; day < 9; day += 1) {
    expect(tries(by('a'), unnamed)).toBe(true);
    pass(hours(24));
  }
  expect(tries(by('a', 'corrected'), granted)).toBe(true);
});

it('if there is no room for another refusal, the stored ones are tried again when they are due', () => {
  const one = { login: 'password', code: 'access_refused', times: 1, at: START, until: START } as const;
  const refused = Array.from({ length: 64 }, (_, n) => ({ ...one, fingerprint: `${n}` }));
  const tried = { login: 'password', worked: false };
  expect(heldBack({ refused }, { ...tried, credentials: '7' }, START)).toBeUndefined();
  const held = heldBack({ refused }, { ...tried, credentials: 'new' }, START);
  expect(held).toEqual({ kind: 'refused', code: 'access_refused' });
});

describe('different wrong passwords of one user', () => {
  it.each([named, unnamed])('are three, until a person acts: $code', outcome => {
    const { by, tries, held, pass } = account();
    const tried = () => Array.from({ length: 12 }, (_, n) => tries(by(`${n}`, `wrong-${n}`), outcome)).filter(Boolean);
    expect(tried()).toHaveLength(3);
    expect(held(by('x', 'another'))).toEqual({ kind: 'refused', code: outcome.code });
    pass(minutes(1));
    expect(tried()).toHaveLength(0);
  });

  it('leave the fourth try to the one that works, and none after it', () => {
    const { by, tries } = account();
    tries(by('a', 'right'), granted);
    for (const n of [1, 2, 3]) tries(by(`${n}`, `wrong-${n}`), named);
    expect(tries(by('4', 'wrong-4'), named)).toBe(false);
    expect(tries(by('a', 'right', true), named)).toBe(true);
    expect(tries(by('b', 'right'), named)).toBe(false);
  });

  it('count from the last login that was granted, and stay wrong after it', () => {
    const { by, tries } = account();
    tries(by('a', 'right'), granted);
    for (const n of [1, 2, 3]) tries(by(`${n}`, `wrong-${n}`), named);
    tries(by('a', 'right', true), granted);
    for (const n of [1, 2, 3]) expect(tries(by(`${n}`, `wrong-${n}`), named)).toBe(false);
    expect(tries(by('4', 'wrong-4'), named)).toBe(true);
  });

  it('are remembered as long as a connection has them', () => {
    const { by, tries, pass } = account();
    const wrong = Array.from({ length: 40 }, (_, n) => by(`${n}`, `wrong-${n}`));
    let tried = 0;
    for (let day = 0; day < 40; day += 1) {
      tries(by('a', 'right', true), granted);
      for (const one of wrong) if (tries(one, named)) tried += 1;
      pass(hours(24));
    }
    // Two entries each: those that there is no room for are not tried.
    expect(tried).toBe(32);
  });

  it('leave room for the one that was granted last, whatever else its connection has now', () => {
    const { by, tries } = account();
    for (let n = 0; n < 40; n += 1) {
      expect(tries(by(`right-${n}`, 'right'), granted)).toBe(true);
      tries(by(`${n}`, `wrong-${n}`), named);
    }
    expect(tries(by('right-again', 'right'), granted)).toBe(true);
  });

  it('are forgotten a week after the last connection used them', () => {
    const { by, tries, pass, state } = account();
    tries(by('a', 'right'), granted);
    tries(by('b', 'old'), named);
    pass(hours(7 * 24));
    tries(by('c', 'new'), named);
    expect(state().refused.map(({ fingerprint }) => fingerprint)).toEqual(['credentials of c', 'new']);
  });
});

describe('a try without a stored outcome', () => {
  it('counts as rejected, and says that the login is in use', () => {
    const { by, begins, held, pass } = account();
    begins(by('a'));
    expect(held(by('b'))).toEqual({ kind: 'retry', code: 'login_in_use', retryAfter: policy.lease });
    pass(policy.lease);
    expect(held(by('b'))).toBeUndefined();
    begins(by('b'));
    expect(held(by('b'))).toEqual({ kind: 'retry', code: 'login_in_use', retryAfter: policy.lease });
    pass(policy.lease);
    begins(by('b'));
    expect(held(by('b'))).toEqual({ kind: 'retry', code: 'login_in_use', retryAfter: hours(1) });
  });
});

it('a try of a working login without a stored outcome is repeated once, at once', () => {
  const { by, tries, begins, held } = account();
  tries(by('other'), granted);
  tries(by('faulty'), named);
  tries(by('a', 'password', true), granted);
  begins(by('a', 'password', true));
  expect(held(by('faulty'))).toMatchObject({ kind: 'refused' });
  expect(held(by('a', 'password', true))).toBeUndefined();
  expect(held(by('b'))).toBeUndefined();
  begins(by('a', 'password', true));
  for (const who of ['a', 'b'])
    expect(held(by(who, 'password', who === 'a'))).toMatchObject({ kind: 'retry', retryAfter: policy.lease });
});

describe('a refresh grant that works again', () => {
  it('ends the pause of a login that was rejected without a reason, and leaves the next pause longer', () => {
    const { by, tries, held, pass, release } = account();
    for (const wait of [0, minutes(2), hours(1)]) {
      pass(wait);
      expect(tries(by('a'), unnamed)).toBe(true);
    }
    expect(held(by('a'))).toMatchObject({ kind: 'rejected', retryAfter: hours(8) });
    release('password');
    expect(tries(by('a'), unnamed)).toBe(true);
    expect(held(by('a'))).toMatchObject({ retryAfter: hours(16) });
  });

  it('says nothing of a login that was refused, nor of another', () => {
    const { by, tries, held, release } = account();
    tries(by('a', 'wrong'), named);
    tries(by('b', 'other'), unnamed);
    release('wrong');
    expect(held(by('a', 'wrong'))).toMatchObject({ kind: 'refused' });
    expect(held(by('b', 'other'))).toMatchObject({ kind: 'rejected' });
  });
});

it.each<Outcome>([
  { kind: 'retry', code: 'provider_error' },
  { kind: 'refused', code: 'organisation_mismatch' },
])('an answer that says nothing about the login changes nothing: $code', outcome => {
  const { by, tries, state } = account();
  expect(tries(by('a'), outcome)).toBe(true);
  expect(state()).toEqual({ refused: [] });
});

describe.each(['timeout', 'network', 'malformed_answer'] as const)('an answer that is lost or garbled (%s)', code => {
  const lost = { kind: 'unknown', code } as const;

  it('may have been a refusal: at most four tries within nine hours', () => {
    expect(minutesTried(account(), 9 * 60, lost)).toHaveLength(4);
  });

  it('of a login that worked before is repeated at least once an hour, and four times at most in half an hour', () => {
    const given = account();
    given.tries(given.by('a', 'password', true), granted);
    expect(minutesTried(given, 5 * 60, lost, true)).toEqual([0, 1, 2, 17, 47, 107, 167, 227, 287]);
  });

  it('counts no more once the login is granted', () => {
    const { by, tries, pass } = account();
    for (let minute = 0; minute < 60; minute += 1) {
      expect(tries(by('a', 'password', true), minute % 3 ? lost : granted)).toBe(true);
      pass(minutes(1));
    }
  });
});
