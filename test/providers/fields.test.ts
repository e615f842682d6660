import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBaseUrl } from '../../lib/definition/fields.ts';
import { accountOf, problemsOf } from './fixtures.ts';

describe('a base URL', () => {
  it.each([
    ['https://api.example.com', 'https://api.example.com'],
    ['https://api.example.com/', 'https://api.example.com'],
    ['https://api.example.com//a///b//', 'https://api.example.com/a/b'],
    ['HTTPS://API.example.com:443/Case', 'https://api.example.com/Case'],
    ['http://127.0.0.1:3000/x', 'http://127.0.0.1:3000/x'],
    ['http://127.255.1.2', 'http://127.255.1.2'],
    ['http://localhost:1', 'http://localhost:1'],
    ['http://[::1]:8080/', 'http://[::1]:8080'],
  ])('%s is taken as %s', (given, taken) => {
    expect(parseBaseUrl(given)).toBe(taken);
  });

  it.each([
    '',
    'api.example.com',
    '/relative',
    'http://api.example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://128.0.0.1',
    'http://[::2]',
    'ftp://localhost',
    'file:///etc/hosts',
    'data:text/plain,x',
    'https://user@example.com',
    'https://user:word@example.com',
    'https://example.com?',
    'https://example.com/?a=1',
    'https://example.com#',
    'https://exa\nmple.com',
    'https://',
  ])('%j is refused', given => {
    expect(parseBaseUrl(given)).toBeUndefined();
  });
});

describe('text', () => {
  it('goes out as it came: blanks at its ends, quotes and all', () => {
    const value = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter(text => text.isWellFormed() && !/\p{Cc}/u.test(text));
    fc.assert(
      fc.property(value, password => {
        const json = JSON.parse(accountOf('petrosoft', { password }).logIn().body ?? '');
        expect(json.password).toBe(password);
        const form = new URLSearchParams(accountOf('powerepos', { password }).logIn().body);
        expect(form.get('password')).toBe(password);
      }),
    );
  });

  it('is refused if it is half a surrogate pair', () => {
    expect(problemsOf('officernd', { clientId: '\ud800', clientSecret: 's', scope: 's' })).toEqual([
      { field: 'clientId', message: expect.stringContaining('is not valid Unicode') },
    ]);
  });
});

describe('text for a header', () => {
  it.each([
    'a\r\nx-injected: 1',
    'a\nb',
    'a\tb',
    '\u0000',
    '\u0085',
    '\u007f',
    'naïve €',
    '日本',
    ' a',
    'a ',
    '\u00a0a',
  ])('%j is refused', password => {
    const field = 'subscriptionKey';
    const problems = problemsOf('poweroffice-v2', { appKey: 'a', clientKey: 'c', [field]: password });
    expect(problems.map(problem => problem.field)).toEqual([field]);
  });

  it('takes latin1', () => {
    expect(accountOf('ioffice', { password: 'smörgås bord' }).logIn().headers['x-auth-password']).toBe('smörgås bord');
  });
});

describe('HTTP Basic', () => {
  it('is base64 of the bytes, not form-encoded first', () => {
    const decoded = (header = '') => Buffer.from(header.slice('Basic '.length), 'base64').toString('utf8');
    const sent = (appKey: string, clientKey: string) =>
      decoded(accountOf('poweroffice-v1', { appKey, clientKey }).logIn().headers.Authorization);
    const part = fc.string({ unit: 'grapheme', minLength: 1 }).filter(text => !/[\p{Cc}:]/u.test(text));
    fc.assert(fc.property(part, part, (user, word) => sent(user, word) === `${user}:${word}`));
    expect(sent('00-a', 'b%2D:é')).toBe('00-a:b%2D:é');
  });

  it('has no colon in its user', () => {
    for (const id of ['poweroffice-v1', 'poweroffice-v2']) {
      const problems = problemsOf(id, { appKey: 'a:b', clientKey: 'c:d', subscriptionKey: 's' });
      expect(problems).toEqual([{ field: 'appKey', message: expect.stringContaining('colon') }]);
    }
  });
});
