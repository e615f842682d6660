import { describe, expect, it } from 'vitest';
import { chooseGrant, type HeldSession, lengthens, mayHoldSession, realLifetime } from '../../lib/core/decide.ts';
import { fingerprint } from '../../lib/core/fingerprint.ts';
import type { Account } from '../../lib/core/provider.ts';
import { type Connection, hours, minutes, plus, type Session, secretVersion } from '../../lib/core/types.ts';
import { connectionOf, idOf, START, sessionOf } from '../kit/records.ts';
import { testProvider } from '../kit/vendor.ts';

const provider = testProvider();
const v1 = secretVersion('v1');
const opened = (fields: object): Account => {
  const found = provider.open(fields);
  if (!found.ok) throw new Error('not opened');
  return found.account;
};
const login = opened({ password: 'right' });
const code = opened({ code: 'good-1' });
const { refresh: _, ...withoutRefresh } = login;

const session: Session = sessionOf({ refreshToken: 'held' });
const at = (offset: number) => plus(START, offset);
const seen = (change: Partial<Connection> = {}) =>
  connectionOf(idOf('acme'), {
    status: 'healthy',
    issuedAt: at(-minutes(30)),
    expiresAt: at(minutes(30)),
    discoveredVersion: v1,
    usedVersion: v1,
    credentials: v1,
    ...change,
  });
const choose = (
  connection: Connection,
  account: Account = login,
  fingerprint: string = v1,
  held: Session = session,
  state: Partial<HeldSession> = {},
) => {
  const all = { session: held, isLeft: false, mayBeSpent: connection.leaseUntil !== undefined, ...state };
  return chooseGrant(connection, all, { account, fingerprint }, provider, START);
};
const without = (connection: Connection, account: Account = login) =>
  chooseGrant(connection, undefined, { account, fingerprint: v1 }, provider, START);
const full = (reason: string) => ({ grant: 'login', reason });

it('uses a session that is surely unspent and lengthens the token’s life', () => {
  expect(choose(seen())).toEqual({ grant: 'refresh', refreshToken: 'held', irreplaceable: false });
});

it('logs in while the provider would refuse to renew, unless a person would have to', () => {
  const late = testProvider({ renewWithin: minutes(30) });
  const chosen = (left: number, account = login) => {
    const held = { session, isLeft: false, mayBeSpent: false };
    const credentials = { account, fingerprint: v1 };
    return chooseGrant(seen({ expiresAt: at(left) }), held, credentials, late, START);
  };
  expect(chosen(minutes(30) + 1)).toEqual(full('too_early'));
  expect(chosen(minutes(30))).toMatchObject({ grant: 'refresh' });
  expect(chosen(minutes(30) + 1, code)).toMatchObject({ grant: 'refresh', irreplaceable: true });
});

describe('logs in if', () => {
  it.each<[string, Partial<Connection>, Partial<Session>?]>([
    ['abandoned', { leaseUntil: at(-1) }],
    ['session_over', {}, { endsAt: START }],
    ['refresh_failing', { status: 'failing', failures: 3 }],
    ['would_not_lengthen', {}, { endsAt: at(minutes(30)) }],
    ['would_not_lengthen', {}, { endsAt: at(minutes(36) - 1) }],
  ])('%s', (reason, change, held = {}) =>
    expect(choose(seen(change), login, v1, { ...session, ...held })).toEqual(full(reason)),
  );

  it('no_session', () => {
    expect(without(seen())).toEqual(full('no_session'));
    expect(choose(seen(), withoutRefresh)).toEqual(full('no_session'));
  });

  it('new_credentials', () => {
    expect(choose(seen(), login, secretVersion('v2'))).toEqual(full('new_credentials'));
    const { credentials: __, ...never } = seen();
    expect(choose(never)).toEqual(full('new_credentials'));
  });
});

it('a session that reaches a tenth of a life further is worth its call', () => {
  expect(choose(seen(), login, v1, { ...session, endsAt: at(minutes(36)) })).toMatchObject({ grant: 'refresh' });
});

describe('with a one-time code', () => {
  const redeemedCode = fingerprint('good-1');
  const held = { grant: 'refresh', refreshToken: 'held', irreplaceable: true };

  it('redeems a code that was never tried', () => {
    expect(without(seen(), code)).toEqual(full('no_session'));
    expect(choose(seen({ redeemedCode: 'another' }), code, secretVersion('v2'))).toEqual(full('new_credentials'));
  });

  it.each<[string, Partial<Connection>, Partial<Session>?]>([
    ['of a session that is valid', {}],
    ['of a session whose worker died', { leaseUntil: at(-1) }],
    ['of a session that seems to be over', {}, { endsAt: at(-1) }],
    ['of a session that a refresh would not lengthen', { expiresAt: at(hours(9)) }],
  ])('never lets go of the only copy of access: %s', (_name, change, more = {}) => {
    const mine = { ...session, ...more };
    expect(choose(seen({ redeemedCode, ...change }), code, v1, mine)).toMatchObject(held);
    expect(choose(seen({ redeemedCode, ...change }), code, secretVersion('v2'), mine)).toMatchObject(held);
  });

  it('tries a session first that may have come of the code already, since redeeming it twice would end it', () => {
    const { usedVersion: __, ...firstRun } = seen({ leaseUntil: at(-1) });
    expect(choose(firstRun, code)).toEqual({ ...held, thenTryCode: true });
    expect(choose(seen(), code)).toEqual({ ...held, thenTryCode: true });
  });

  it('tries a session first that is there although the record never ran: one before it was lost', () => {
    const { usedVersion: __, ...madeAgain } = seen();
    expect(mayHoldSession(madeAgain)).toBe(true);
    expect(mayHoldSession(seen())).toBe(false);
    expect(choose(madeAgain, code)).toEqual({ ...held, thenTryCode: true });
  });

  it('has no grant if the code is spent and no session is left', () => {
    expect(without(seen({ redeemedCode }), code)).toEqual({ grant: 'none', code: 'code_already_redeemed' });
  });

  it('keeps nothing of the code but a fingerprint', () => {
    expect(redeemedCode).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprint('good-2')).not.toBe(redeemedCode);
  });
});

it.each([
  ['less than a tenth is ignored', minutes(6) - 1, false],
  ['a tenth is something', minutes(6), true],
])('%s', (_name, more, expected) => {
  expect(lengthens(seen(), plus(at(minutes(30)), more), hours(1))).toBe(expected);
});

it('a first token always lengthens, and has the documented life', () => {
  const first = connectionOf(idOf('acme'));
  expect(lengthens(first, START, hours(1))).toBe(true);
  expect(realLifetime(first, provider)).toBe(hours(1));
  expect(realLifetime(seen({ expiresAt: at(minutes(10)) }), provider)).toBe(minutes(40));
});
