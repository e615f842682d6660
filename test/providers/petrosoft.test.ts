import { describe, expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import { answer } from '../kit/vendor.ts';
import { exchangeWith, provider, sentAt } from './fixtures.ts';

const id = 'petrosoft';

describe('the end of a session', () => {
  const ends = (json: Record<string, unknown>, claims: Record<string, unknown> = {}) => {
    const at = provider(id).sessionEnds?.({ accessToken: 't', tokenType: 'bearer', json, claims }, sentAt);
    return at === undefined ? undefined : (at - sentAt) / 1000;
  };
  const exp = sentAt / 1000 + 70;

  it.each([
    ['refresh_expires_in', { refresh_expires_in: 86_373, expires_in: 60 }, { exp }, 86_373],
    ['a numeric string', { refresh_expires_in: '90' }, { exp }, 90],
    ['the JWT, if it is 0', { refresh_expires_in: 0, expires_in: 60 }, { exp }, 70],
    ['the JWT, if it is missing', { expires_in: 60 }, { exp }, 70],
    ['the JWT, if it is nonsense', { refresh_expires_in: [5], expires_in: 60 }, { exp }, 70],
    ['expires_in, if there is no JWT', { refresh_expires_in: -1, expires_in: 60 }, {}, 60],
    ['nothing', { refresh_expires_in: 'soon', expires_in: true }, { exp: 'never' }, undefined],
  ])('is read from %s', (_, json, claims, after) => {
    expect(ends(json, claims)).toBe(after);
  });
});

describe('a 500', () => {
  const failure = (message: unknown) => ({
    success: false,
    data: [],
    message,
    http_code: 500,
    errors: [],
    total: null,
  });
  const read = (grant: 'login' | 'refresh', message: unknown) =>
    interpret(exchangeWith(id, grant), answer(failure(message), 500));

  it('counts against the refresh token only if it says so, and only in answers to a refresh', () => {
    expect(read('refresh', 'JWT missing parts')).toMatchObject({ kind: 'refused', code: 'session_refused' });
    expect(read('refresh', 'the token has ended')).toMatchObject({ kind: 'refused', code: 'session_refused' });
    expect(read('login', 'JWT missing parts')).toMatchObject({ kind: 'unknown', code: 'provider_error' });
    expect(read('refresh', 'tokenizer down')).toMatchObject({ kind: 'unknown', code: 'provider_error' });
    expect(read('refresh', { token: 1 })).toMatchObject({ kind: 'unknown', code: 'provider_error' });
  });

  it('is a restricted account only of a login, and no verdict on it', () => {
    for (const sign of ["can't", 'can’t']) {
      const message = `Provider Made-Up ${sign} implement operation due restrictions.`;
      expect(read('login', message)).toMatchObject({ kind: 'rejected', code: 'account_restricted' });
      expect(read('refresh', message)).toMatchObject({ kind: 'unknown', code: 'provider_error' });
    }
  });

  it('without success: false is not this dialect', () => {
    const body = { ...failure('JWT missing parts'), success: undefined };
    expect(interpret(exchangeWith(id, 'refresh'), answer(body, 500))).toMatchObject({ kind: 'unknown' });
  });

  it('of another status is not this dialect', () => {
    expect(interpret(exchangeWith(id, 'refresh'), answer(failure('JWT'), 502))).toMatchObject({ kind: 'unknown' });
  });
});
