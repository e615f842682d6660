import { describe, expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import type { Grant } from '../../lib/core/provider.ts';
import { seconds } from '../../lib/core/types.ts';
import { NOW, providerWith, secret, small } from './acme.ts';

const read = (
  change: object,
  json: unknown,
  { grant = 'login' as Grant, status = 200, of = secret as object } = {},
) => {
  const provider = providerWith(change);
  const opened = provider.open(of);
  if (!opened.ok) throw new Error(opened.problems.map(({ message }) => message).join());
  const exchange = { provider, account: opened.account, grant, sentAt: NOW };
  return interpret(exchange, { kind: 'answer', status, headers: {}, body: JSON.stringify(json) });
};
/** How long a token is valid, and when its session ends, in seconds from now. */
const lifeOf = (change: object, json: object) => {
  const outcome = read(change, { access_token: 't', ...json });
  if (outcome.kind !== 'granted') return outcome.code;
  return (outcome.expiresAt - NOW) / seconds(1);
};
const sessionOf = (sessionEnd: readonly object[], json: object) => {
  const outcome = read({ answer: { sessionEnd } }, { access_token: 't', expires_in: 60, ...json });
  if (outcome.kind !== 'granted' || outcome.sessionEndsAt === undefined) return undefined;
  return (outcome.sessionEndsAt - NOW) / seconds(1);
};
const inTenMinutes = NOW + seconds(600);
const jwtWith = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;

describe('the paths of an answer', () => {
  const answer = {
    token: 'data.auth.token',
    refreshToken: 'data.next',
    expiry: { path: 'data.ttl', as: 'seconds' },
  };

  it('may be anywhere', () => {
    const json = { data: { auth: { token: 'deep' }, next: 'r', ttl: 600 } };
    expect(read({ answer }, json)).toMatchObject({
      accessToken: 'deep',
      refreshToken: 'r',
      expiresAt: inTenMinutes,
      headers: { Authorization: 'Bearer deep' },
    });
  });

  it('may have a dot in its name, and a name of the object’s own counts for nothing', () => {
    expect(read({ answer: { token: 'a.b' } }, { 'a.b': 't', expires_in: 60 })).toMatchObject({ accessToken: 't' });
    for (const token of ['toString', 'data.constructor.name', 'list.length']) {
      expect(read({ answer: { token } }, { data: {}, list: [] })).toMatchObject({ code: 'malformed_answer' });
    }
  });

  it('is malformed if it gives consumers a header that cannot be sent', () => {
    const consumer = { baseUrl: '{base}', headers: { Authorization: 'Bearer {token}', 'X-Org': '{answer.org}' } };
    for (const org of ['a\r\nb', 'Ø€']) {
      const answered = read({ consumer }, { access_token: 't', expires_in: 60, org });
      expect(answered).toMatchObject({ kind: 'unknown', code: 'malformed_answer' });
    }
    expect(read({ consumer }, { access_token: 't', expires_in: 60, org: 'Ø' })).toMatchObject({ kind: 'granted' });
  });

  it('is read at the path of the definition instead of the standard path', () => {
    expect(read({ answer }, { access_token: 't', expires_in: 60 })).toMatchObject({ code: 'malformed_answer' });
  });
});

describe('when a token ends', () => {
  it.each<[string, unknown]>([
    ['seconds', 600],
    ['seconds', '600'],
    ['milliseconds', 600_000],
    ['epochSeconds', inTenMinutes / 1000],
    ['epochSeconds', String(inTenMinutes / 1000)],
    ['epochMilliseconds', inTenMinutes],
    ['date', '2026-01-01T00:10:00Z'],
    ['date', '2026-01-01T00:10:00'],
    ['date', '2026-01-01T01:10:00+01:00'],
    ['date', 'Thu, 01 Jan 2026 00:10:00 GMT'],
  ])('as %s: %j', (as, value) => {
    expect(lifeOf({ answer: { expiry: { path: 'end', as } } }, { end: value })).toBe(600);
  });

  it('is the documented lifetime if no answer states it, whatever an answer says', () => {
    expect(lifeOf({ answer: { expiry: 'never stated' } }, {})).toBe(3600);
    expect(lifeOf({ answer: { expiry: 'never stated' } }, { expires_in: 5 })).toBe(3600);
  });

  it.each(['soon', '', null, {}])('is the documented lifetime if a date is none: %j', end => {
    expect(lifeOf({ answer: { expiry: { path: 'end', as: 'date' } } }, { end })).toBe(3600);
  });

  it('is refused if it has passed', () => {
    const expiry = { path: 'end', as: 'date' };
    expect(lifeOf({ answer: { expiry } }, { end: '2025-12-31T23:59:00Z' })).toBe('invalid_lifetime');
  });
});

describe('when a session ends', () => {
  it.each<[object, object]>([
    [{ path: 'end', as: 'seconds' }, { end: 600 }],
    [{ path: 'end', as: 'milliseconds' }, { end: '600000' }],
    [{ path: 'a.end', as: 'epochSeconds' }, { a: { end: inTenMinutes / 1000 } }],
    [{ path: 'end', as: 'epochMilliseconds' }, { end: inTenMinutes }],
    [{ path: 'end', as: 'date' }, { end: '2026-01-01T00:10:00Z' }],
    [
      { claim: 'session.exp', as: 'epochSeconds' },
      { access_token: jwtWith({ session: { exp: inTenMinutes / 1000 } }) },
    ],
    [{ after: '10m' }, {}],
  ])('%j', (place, json) => {
    expect(sessionOf([place], json)).toBe(600);
  });

  it('is the first place that has a time', () => {
    const places = [{ path: 'a', as: 'seconds' }, { claim: 'b', as: 'epochSeconds' }, { after: '1h' }];
    expect(sessionOf(places, { a: 60 })).toBe(60);
    expect(sessionOf(places, { a: 0, access_token: jwtWith({ b: inTenMinutes / 1000 }) })).toBe(600);
    expect(sessionOf(places, { a: 'never' })).toBe(3600);
    expect(sessionOf(places.slice(0, 2), { a: null })).toBeUndefined();
  });
});

describe('errors', () => {
  const errors = [
    { status: 400, equals: { error: 'expired', 'detail.code': 7 }, means: 'refused', code: 'invalid_grant' },
    {
      status: 400,
      says: { path: 'message', anyOf: ['too fast', 'slow+down'] },
      means: 'retry',
      code: 'rate_limited',
    },
    { status: 400, grant: 'refresh', has: ['session'], lacks: ['error'], means: 'refused', code: 'session_refused' },
    { status: 200, has: ['fault'], means: 'rejected', code: 'account_restricted' },
  ];
  const of = (json: object, status = 400, grant: Grant = 'login') => {
    const outcome = read({ errors }, json, { grant, status });
    return outcome.kind === 'granted' ? outcome.kind : [outcome.kind, outcome.code];
  };

  it('means what all parts of a rule fit', () => {
    expect(of({ error: 'expired', detail: { code: 7 } })).toEqual(['refused', 'invalid_grant']);
    expect(of({ error: 'expired', detail: { code: '7' } })).toEqual(['rejected', 'request_rejected']);
    expect(of({ error: 'expired', detail: { code: 7 } }, 401)).toEqual(['rejected', 'access_refused']);
  });

  it('looks for whole words in a text, in upper or lower case', () => {
    expect(of({ message: 'You are TOO FAST.' })).toEqual(['retry', 'rate_limited']);
    expect(of({ message: 'please slow+down!' })).toEqual(['retry', 'rate_limited']);
    for (const message of ['too faster', 'slowwdown', ['too fast'], undefined]) {
      expect(of({ message })).toEqual(['rejected', 'request_rejected']);
    }
  });

  it('counts in answers to one grant alone, if the rule says so', () => {
    expect(of({ session: 1 }, 400, 'refresh')).toEqual(['refused', 'session_refused']);
    expect(of({ session: 1 }, 400, 'login')).toEqual(['rejected', 'request_rejected']);
    expect(of({ session: 1, error: 'x' }, 400, 'refresh')).toEqual(['rejected', 'request_rejected']);
  });

  it('for refreshes counts in the answer to what a person handed in, which the refresh request sends', () => {
    const fields = { ...small.fields, refreshToken: { purpose: 'the refresh token' } };
    const refresh = { url: '{base}/token', form: { refresh_token: '{refreshToken}' } };
    const imported = { fields, login: [], redeem: { field: 'refreshToken' }, refresh, sessionOf: ['clientId'] };
    const of = { ...secret, refreshToken: 'first' };
    const outcome = read({ ...imported, errors }, { session: 1 }, { status: 400, of });
    expect(outcome).toMatchObject({ kind: 'refused', code: 'session_refused' });
  });

  it('counts in a 200 without a token, and in none with one', () => {
    expect(of({ fault: 'locked' }, 200)).toEqual(['rejected', 'account_restricted']);
    expect(of({ fault: 'locked', access_token: 't', expires_in: 60 }, 200)).toBe('granted');
  });
});
