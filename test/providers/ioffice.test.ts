import { describe, expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import { answer } from '../kit/vendor.ts';
import { accountOf, exchangeWith, fixturesOf, problemsOf } from './fixtures.ts';

const id = 'ioffice';
const withoutLogin = { username: undefined, password: undefined };

describe('the first step', () => {
  it.each([{ code: '' }, { code: 7 }, {}, { code: 'a\r\nb' }, { Code: 'made-up' }])(
    'without a code in %j ends there',
    first => {
      expect(accountOf(id).exchange?.(first)).toBeUndefined();
    },
  );
});

describe('the browser variant', () => {
  const account = accountOf(id, { ...withoutLogin, authorizationCode: 'handed-in' });

  it('redeems the code that a person handed in, in one step', () => {
    expect(account.oneTimeCode).toBe('handed-in');
    expect(account.exchange).toBeUndefined();
    const { exchange } = fixturesOf(id).requests;
    expect(account.logIn()).toEqual({ ...exchange, headers: { ...exchange?.headers, 'x-auth-code': 'handed-in' } });
  });

  it('is what half a service login falls back to', () => {
    expect(accountOf(id, { password: undefined, authorizationCode: 'handed-in' }).oneTimeCode).toBe('handed-in');
  });

  it('gives way to a service login, which can be repeated', () => {
    const both = accountOf(id, { authorizationCode: 'handed-in' });
    expect(both.oneTimeCode).toBeUndefined();
    expect(both.logIn()).toEqual(fixturesOf(id).requests.logIn);
  });
});

it('wants a service login or a code, and says which half is missing', () => {
  const { secret } = fixturesOf(id);
  const named = (changes: Record<string, unknown>) =>
    problemsOf(id, { ...secret, ...changes }).map(({ field }) => field);
  expect(named(withoutLogin)).toEqual(['username', 'password']);
  expect(named({ password: undefined })).toEqual(['password']);
  expect(named({ username: undefined })).toEqual(['username']);
  expect(named({ ...withoutLogin, clientId: undefined })).toEqual(['clientId', 'username', 'password']);
  expect(named({ ...withoutLogin, authorizationCode: 'c' })).toEqual([]);
});

it('is called with x-access-token, at the customer’s site', () => {
  const outcome = interpret(exchangeWith(id), answer(fixturesOf(id).token));
  expect(outcome).toMatchObject({ headers: { 'x-access-token': 'made-up-access-token-ioffice' } });
  expect(outcome.kind === 'granted' && Object.keys(outcome.headers)).toEqual(['x-access-token']);
});

it('assumes an hour if an answer has no expiry', () => {
  const outcome = interpret(exchangeWith(id), answer({ access_token: 'opaque' }));
  expect(outcome).toMatchObject({ kind: 'granted', warnings: ['lifetime_assumed'] });
  expect(outcome.kind === 'granted' && outcome.expiresAt - outcome.issuedAt).toBe(3_600_000);
});

it('takes nothing into a header that could become another header', () => {
  for (const field of ['clientId', 'redirectUri', 'scope', 'username', 'password', 'authorizationCode']) {
    const problems = problemsOf(id, { ...fixturesOf(id).secret, [field]: 'a\r\nx-injected: 1' });
    expect(problems).toEqual([{ field, message: expect.stringContaining('line break') }]);
  }
});
