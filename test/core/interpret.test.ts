import { describe, expect, it } from 'vitest';
import { type Exchange, interpret, interpretFirstStep } from '../../lib/core/interpret.ts';
import type { Grant, HttpReply } from '../../lib/core/provider.ts';
import { hours, minutes, plus, seconds } from '../../lib/core/types.ts';
import { START } from '../kit/records.ts';
import { answer, testProvider } from '../kit/vendor.ts';

const withGrant = (grant: Grant, abilities = {}, change = {}): Exchange => {
  const provider = testProvider(change, abilities);
  const opened = provider.open({ password: 'right' });
  if (!opened.ok) throw new Error('not opened');
  return { provider, account: opened.account, grant, sentAt: START };
};
const full = withGrant('login');
const good = { access_token: 'a', expires_in: 600 };

describe('a token', () => {
  it('is read, without anything that it did not contain', () => {
    expect(interpret(full, answer(good))).toEqual({
      kind: 'granted',
      accessToken: 'a',
      tokenType: 'Bearer',
      issuedAt: START,
      expiresAt: plus(START, 600_000),
      headers: { authorization: 'Bearer a' },
      baseUrl: 'https://api.test',
      warnings: [],
    });
  });

  it.each([200, 201, 299])('may come with status %i', status => {
    expect(interpret(full, answer(good, status)).kind).toBe('granted');
  });

  it.each([
    ['bearer', 'Bearer'],
    ['BEARER', 'Bearer'],
    ['mac', 'mac'],
    ['DPoP', 'DPoP'],
    ['Bearer\r\nx: y', 'Bearer'],
    ['', 'Bearer'],
    [7, 'Bearer'],
    [undefined, 'Bearer'],
  ])('of type %j is one of type %s', (token_type, tokenType) => {
    expect(interpret(full, answer({ ...good, token_type }))).toMatchObject({ tokenType });
  });

  it.each([[''], [7], [null], [{}], [true]])('brings no session if the refresh token is %j', refresh_token => {
    expect(interpret(full, answer({ ...good, refresh_token }))).not.toHaveProperty('refreshToken');
  });

  it('has its session’s end from the provider, and its warnings from everyone', () => {
    const endsAt = plus(START, 7);
    const usage = () => ({ headers: {}, baseUrl: 'https://x.test', warnings: ['scope_narrowed'] as const });
    const exchange = withGrant('login', { usage }, { sessionEnds: () => endsAt });
    expect(interpret(exchange, answer({ access_token: 'a', refresh_token: 'r' }))).toMatchObject({
      refreshToken: 'r',
      sessionEndsAt: endsAt,
      warnings: ['lifetime_assumed', 'scope_narrowed'],
    });
  });

  it.each([
    ['organisation_mismatch', 'refused'],
    ['service_uri_refused', 'refused'],
    ['malformed_answer', 'unknown'],
  ])('that its account calls %s is %s', (code, kind) => {
    expect(interpret(withGrant('login', { usage: () => code }), answer(good))).toEqual({ kind, code, status: 200 });
  });
});

describe('an answer without a token', () => {
  const rows: readonly [string, HttpReply, object][] = [
    ['without an access token', answer({}), { kind: 'unknown', code: 'malformed_answer' }],
    ['with an empty one', answer({ access_token: '' }), { kind: 'unknown', code: 'empty_access_token' }],
    ['with a number for one', answer({ access_token: 7 }), { kind: 'unknown', code: 'malformed_answer' }],
    [
      'with a token that has already expired',
      answer({ ...good, expires_in: 0 }),
      { kind: 'unknown', code: 'invalid_lifetime' },
    ],
    ['that is a web page', answer('<html>'), { kind: 'unknown', code: 'malformed_answer' }],
    ['that is empty', answer(''), { kind: 'unknown', code: 'malformed_answer' }],
    ['that is cut off', answer('{"access_token":"a"'), { kind: 'unknown', code: 'malformed_answer' }],
    ['that is a list', answer('[{"access_token":"a"}]'), { kind: 'unknown', code: 'malformed_answer' }],
    ['with an error and a token', answer({ ...good, error: 'x' }), { kind: 'unknown', code: 'malformed_answer' }],
    ['with an error under 200', answer({ error: 'invalid_client' }), { kind: 'refused', code: 'invalid_client' }],
    ['that redirects', answer('', 302, { location: 'https://evil.test' }), { kind: 'retry', code: 'redirected' }],
    ['that is not modified', answer(good, 304), { kind: 'retry', code: 'redirected' }],
    ['from an overload', answer('', 503, { 'retry-after': '7' }), { kind: 'retry', retryAfter: 7000 }],
    ['of a gateway', answer('', 502), { kind: 'unknown', code: 'provider_error' }],
    ['of a server that broke', answer('', 500), { kind: 'unknown', code: 'provider_error' }],
    ['of a server that names an error', answer({ error: 'invalid_grant' }, 500), { kind: 'unknown' }],
    ['from a server that waited', answer('', 408), { kind: 'retry', code: 'request_rejected' }],
    ['that came too early', answer('', 425), { kind: 'retry', code: 'request_rejected' }],
    ['with a status of zero', answer('', 0), { kind: 'unknown', code: 'provider_error' }],
    ['of an interim kind', answer('', 100), { kind: 'unknown', code: 'provider_error' }],
    ['that limits the rate', answer({ error: 'invalid_grant' }, 429), { kind: 'retry', code: 'rate_limited' }],
    ['that asks for patience', answer({ error: 'temporarily_unavailable' }, 400), { kind: 'retry' }],
    ['that says it broke', answer({ error: 'server_error' }, 400), { kind: 'retry', code: 'server_error' }],
  ];
  it.each(rows)('%s', (_, reply, expected) => expect(interpret(full, reply)).toMatchObject(expected));

  it.each([
    [401, 'access_refused'],
    [403, 'access_refused'],
    [400, 'request_rejected'],
    [404, 'request_rejected'],
    [410, 'request_rejected'],
  ])('of status %i and no words gives no verdict, to a login or a refresh', (status, code) => {
    for (const exchange of [full, withGrant('refresh')]) {
      const rejected = { kind: 'rejected', code, status, retryAfter: seconds(7) };
      expect(interpret(exchange, answer('', status, { 'retry-after': '7' }))).toEqual(rejected);
    }
  });

  it('that calls the request malformed is none either: a gateway says so too', () => {
    const malformed = answer({ error: 'invalid_request' }, 400);
    expect(interpret(full, malformed)).toEqual({ kind: 'rejected', code: 'invalid_request', status: 400 });
  });

  it('takes only the standard’s words for codes', () => {
    for (const error of ['internal_error', 'store_failed', 'constructor', 'INVALID_GRANT', 7, null, {}]) {
      expect(interpret(full, answer({ error }, 400))).toMatchObject({ code: 'request_rejected' });
    }
  });

  it('waits for the provider’s Retry-After, even if its dialect gives the answer a meaning', () => {
    for (const kind of ['retry', 'rejected'] as const) {
      const fault = () => ({ kind, code: 'rate_limited' }) as const;
      const outcome = interpret(withGrant('login', {}, { fault }), answer('{}', 418, { 'retry-after': '9' }));
      expect(outcome).toEqual({ kind, code: 'rate_limited', status: 418, retryAfter: seconds(9) });
    }
  });

  it('leaves the provider’s dialect to the provider, and the status to the report', () => {
    const fault = () => ({ kind: 'refused', code: 'account_restricted' }) as const;
    expect(interpret(withGrant('login', {}, { fault }), answer('', 500))).toEqual({
      kind: 'refused',
      code: 'account_restricted',
      status: 500,
    });
  });
});

describe('no answer', () => {
  it.each([
    ['timeout', true, 'unknown'],
    ['network', true, 'unknown'],
    ['answer_too_large', true, 'unknown'],
    ['network', false, 'retry'],
    ['timeout', false, 'retry'],
  ] as const)('(%s, sent: %s) is %s', (code, sent, kind) => {
    expect(interpret(full, { kind: 'failed', code, sent })).toEqual({ kind, code });
  });
});

describe('Retry-After', () => {
  const after = (value: string) => {
    const outcome = interpret(full, answer('', 429, { 'retry-after': value }));
    return outcome.kind === 'retry' ? outcome.retryAfter : 'none';
  };
  it.each([
    ['120', minutes(2)],
    [' 120 ', minutes(2)],
    [new Date(START + hours(1)).toUTCString(), hours(1)],
    ['0', undefined],
    ['-5', undefined],
    ['', undefined],
    ['soon', undefined],
    [new Date(START - hours(1)).toUTCString(), undefined],
    ['9'.repeat(400), 86_400_000],
    ['604800', 86_400_000],
  ])('%s', (value, expected) => {
    expect(after(value)).toBe(expected);
  });
});

describe('the first of two steps', () => {
  const request = { method: 'POST', url: 'https://login.test/2', headers: {} } as const;
  const exchange = (first: Readonly<Record<string, unknown>>) => (first.code === 'c' ? request : undefined);
  const twoSteps = withGrant('login', { exchange });

  it('leads to the second', () => {
    expect(interpretFirstStep(twoSteps, answer({ code: 'c' }))).toEqual({ kind: 'next', request });
  });
  it.each([
    ['no code', answer({}), { kind: 'unknown', code: 'malformed_answer', status: 200 }],
    ['a refusal', answer({ error: 'invalid_grant' }, 401), { kind: 'refused', code: 'invalid_grant', status: 401 }],
    ['a broken answer', answer('{'), { kind: 'unknown', code: 'malformed_answer', status: 200 }],
    ['silence', { kind: 'failed', code: 'timeout', sent: true } as const, { kind: 'unknown', code: 'timeout' }],
  ])('ends with %s', (_, reply, expected) => expect(interpretFirstStep(twoSteps, reply)).toEqual(expected));
});
