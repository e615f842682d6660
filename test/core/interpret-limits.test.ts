import { describe, expect, it } from 'vitest';
import { type Exchange, interpret, interpretFirstStep, retryAfterIn } from '../../lib/core/interpret.ts';
import { LARGEST } from '../../lib/core/limits.ts';
import type { Account, HttpReply, Provider, TokenAnswer, Usage } from '../../lib/core/provider.ts';
import { epochMs, hours, minutes, plus } from '../../lib/core/types.ts';
import { START } from '../kit/records.ts';
import { answer, testProvider } from '../kit/vendor.ts';
import { exchangeWith, fixturesOf, jwt } from '../providers/fixtures.ts';

const exchangeOf = (abilities: Partial<Account> = {}, change: Partial<Provider> = {}): Exchange => {
  const provider = testProvider(change, abilities);
  const opened = provider.open({ password: 'right' });
  if (!opened.ok) throw new Error('not opened');
  return { provider, account: opened.account, grant: 'login', sentAt: START };
};
const good = { access_token: 'a', expires_in: 600 };
const usedAs = (usage: Usage) => interpret(exchangeOf({ usage: () => usage }), answer(good));

const largest = (bytes: number, character = 'a') => character.repeat(bytes / Buffer.byteLength(character));
const TOO_LARGE = { kind: 'unknown', code: 'answer_too_large', status: 200 };

describe('a size', () => {
  it.each(['a', 'é'])('of an access token has a limit, in bytes of %j', character => {
    const read = (more: string) =>
      interpret(
        exchangeOf({ usage: () => ({ headers: {}, baseUrl: 'https://api.test' }) }),
        answer({ ...good, access_token: largest(LARGEST.accessToken, character) + more }),
      );
    expect(read('')).toMatchObject({ kind: 'granted' });
    expect(read('a')).toEqual(TOO_LARGE);
  });

  it('of a refresh token has a limit', () => {
    const read = (more: string) =>
      interpret(exchangeOf(), answer({ ...good, refresh_token: largest(LARGEST.refreshToken) + more }));
    expect(read('')).toMatchObject({ kind: 'granted', refreshToken: largest(LARGEST.refreshToken) });
    expect(read('a')).toEqual(TOO_LARGE);
  });

  it('of all headers together has a limit, names included', () => {
    const headers = { 'x-one': largest(LARGEST.headers / 2), 'x-two': largest(LARGEST.headers / 2 - 10) };
    const baseUrl = 'https://api.test';
    expect(usedAs({ headers, baseUrl })).toMatchObject({ kind: 'granted' });
    expect(usedAs({ headers: { ...headers, 'x-two': `${headers['x-two']}a` }, baseUrl })).toEqual(TOO_LARGE);
    expect(usedAs({ headers: { ...headers, x: '' }, baseUrl })).toEqual(TOO_LARGE);
  });

  it('of a base URL has a limit', () => {
    const baseUrl = 'https://api.test/'.padEnd(LARGEST.baseUrl, 'a');
    expect(usedAs({ headers: {}, baseUrl })).toMatchObject({ kind: 'granted', baseUrl });
    expect(usedAs({ headers: {}, baseUrl: `${baseUrl}a` })).toEqual(TOO_LARGE);
  });

  it('is checked before the claims, even if they are large', () => {
    const token = { ...fixturesOf('petrosoft').token, access_token: jwt({ exp: START, fill: 'a'.repeat(210_000) }) };
    expect(interpret(exchangeWith('petrosoft'), answer(token))).toEqual(TOO_LARGE);
  });
});

describe('half a character', () => {
  it.each(['access_token', 'refresh_token'])('in %s makes an answer malformed: UTF-8 cannot carry it', field => {
    const usage = () => ({ headers: {}, baseUrl: 'https://api.test' });
    for (const half of ['\ud800', 'a\udfffb']) {
      expect(interpret(exchangeOf({ usage }), answer({ ...good, [field]: half }))).toEqual({
        kind: 'unknown',
        code: 'malformed_answer',
        status: 200,
      });
    }
    expect(interpret(exchangeOf({ usage }), answer({ ...good, [field]: '\u{1f600}' }))).toMatchObject({
      kind: 'granted',
    });
  });
});

describe('the end of a session', () => {
  const CENTURY = 100 * 365 * hours(24);
  const ends = (at: number) =>
    interpret(exchangeOf({}, { sessionEnds: () => at as never }), answer({ ...good, refresh_token: 'r' }));

  it.each([1, minutes(1), CENTURY - 1])('%d ms ahead is believed', after => {
    expect(ends(START + after)).toMatchObject({ refreshToken: 'r', sessionEndsAt: START + after });
  });

  it.each([
    ['at this moment', START],
    ['in the past', START - 1],
    ['a century ahead', START + CENTURY],
    ['at 9e18', 9e18],
    ['at 1e300', 1e300],
    ['at infinity', Number.POSITIVE_INFINITY],
    ['at -1e300', -1e300],
    ['at NaN', Number.NaN],
  ])('%s counts as unknown', (_, at) => {
    const outcome = ends(at);
    expect(outcome).toMatchObject({ kind: 'granted', refreshToken: 'r' });
    expect(outcome).not.toHaveProperty('sessionEndsAt');
  });

  it('is a whole millisecond', () => {
    expect(ends(START + 0.6)).toMatchObject({ sessionEndsAt: START + 1 });
  });

  it.each([
    ['refresh_expires_in', { refresh_expires_in: 9e15 }],
    ['refresh_expires_in, as a text,', { refresh_expires_in: '9e15' }],
    ['exp', { refresh_expires_in: 0, access_token: jwt({ exp: 1e300 }) }],
  ])('of Petrosoft counts as unknown if %s is nonsense', (_, change) => {
    const outcome = interpret(exchangeWith('petrosoft'), answer({ ...fixturesOf('petrosoft').token, ...change }));
    expect(outcome).toMatchObject({ kind: 'granted' });
    expect(outcome).not.toHaveProperty('sessionEndsAt');
  });
});

describe('an organisation that is not a code', () => {
  const organisations: unknown[] = [{ toString: 1 }, { valueOf: 1, toString: null }, {}, [], [[]], true, false, ''];
  it.each(organisations.flatMap(org_id => [{ org_id }]))('is another one: %j', ({ org_id }) => {
    const { token } = fixturesOf('powerepos');
    const refused = { kind: 'refused', code: 'organisation_mismatch', status: 200 };
    expect(interpret(exchangeWith('powerepos'), answer({ ...token, org_id }))).toEqual(refused);
    const claims = { svc: 'https://region-a.powerepos.cloud', org_id };
    expect(interpret(exchangeWith('powerepos'), answer({ ...token, access_token: jwt(claims) }))).toEqual(refused);
  });
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300, 200.5, -1, 1000])('status %d is not one', status => {
  expect(interpret(exchangeOf(), answer('', status))).toEqual({ kind: 'unknown', code: 'provider_error', status: 0 });
});

it.each([
  ['of a day and a second', '86401', hours(24)],
  ['of 20 digits', '9'.repeat(20), hours(24)],
  ['of 300 digits', '9'.repeat(300), hours(24)],
  ['of 100,000 digits', '9'.repeat(100_000), hours(24)],
  ['with an exponent', '1e309', undefined],
  ['that was sent twice', '120, 120', undefined],
  ['in the past', 'Thu, 01 Jan 1970 00:00:00 GMT', undefined],
  ['in the far future', 'Fri, 31 Dec 9999 23:59:59 GMT', hours(24)],
])('a Retry-After %s is at most a day, or none', (_, value, retryAfter) => {
  expect(retryAfterIn({ 'retry-after': value }, epochMs(START))).toEqual(
    retryAfter === undefined ? {} : { retryAfter },
  );
});

const broken = (): never => {
  throw new TypeError('quotes the answer: secret-token');
};

describe('a definition with a bug', () => {
  const failed = {
    kind: 'unknown',
    code: 'internal_error',
    status: 200,
    bug: expect.arrayContaining(['TypeError', expect.stringMatching(/^at /)]),
  };
  const usage = (value: unknown) => exchangeOf({ usage: () => value as Usage });
  const rows: readonly [string, Exchange, HttpReply][] = [
    ['throws in `usage`', exchangeOf({ usage: broken }), answer(good)],
    ['throws in `sessionEnds`', exchangeOf({}, { sessionEnds: broken }), answer(good)],
    ['throws in `fault`', exchangeOf({}, { fault: broken }), answer({ error: 'x' })],
    ['has nothing to use', usage(undefined), answer(good)],
    ['has no headers', usage({ baseUrl: 'https://api.test' }), answer(good)],
    ['has a number for a header', usage({ headers: { a: 7 }, baseUrl: 'https://api.test' }), answer(good)],
    ['has a line break in a header', usage({ headers: { a: 'b\r\nc: d' }, baseUrl: 'https://api.test' }), answer(good)],
    ['has a space in a name', usage({ headers: { 'a b': 'c' }, baseUrl: 'https://api.test' }), answer(good)],
    ['has a header without a name', usage({ headers: { '': 'c' }, baseUrl: 'https://api.test' }), answer(good)],
    ['has no base URL', usage({ headers: {} }), answer(good)],
    ['has half a URL', usage({ headers: {}, baseUrl: '/api' }), answer(good)],
    ['has half a character in it', usage({ headers: {}, baseUrl: 'https://api.test/\ud800' }), answer(good)],
    ['has a warning that is not a list', usage({ headers: {}, baseUrl: 'https://a.test', warnings: 7 }), answer(good)],
  ];
  it.each(rows)('that %s ends in a value, without the words of the exception', (_, exchange, reply) => {
    const outcome = interpret(exchange, reply);
    expect(outcome).toEqual(failed);
    expect(JSON.stringify(outcome)).not.toContain('secret-token');
  });

  it('in the first of two steps ends in a value', () => {
    expect(interpretFirstStep(exchangeOf({ exchange: broken }), answer({ code: 'c' }))).toEqual(failed);
    expect(interpretFirstStep(exchangeOf({}, { fault: broken }), answer({ error: 'x' }))).toEqual(failed);
  });

  it('may throw what is not an error', () => {
    const exchange = exchangeOf({
      usage: (_: TokenAnswer) => {
        throw 'secret-token';
      },
    });
    expect(interpret(exchange, answer(good))).toMatchObject({ code: 'internal_error', bug: ['string'] });
  });

  it('does not matter if there was no answer', () => {
    const silence = { kind: 'failed', code: 'timeout', sent: true } as const;
    expect(interpret(exchangeOf({ usage: broken }), silence)).toEqual({ kind: 'unknown', code: 'timeout' });
  });

  it('may leave a header empty', () => {
    const headers = { 'x-organisation': '' };
    expect(usedAs({ headers, baseUrl: 'https://api.test' })).toMatchObject({ kind: 'granted', headers });
  });
});

it('an `exp` beyond all measure is capped, with a warning', () => {
  const token = { ...fixturesOf('petrosoft').token, access_token: jwt({ exp: 1e300 }) };
  const { sentAt } = exchangeWith('petrosoft');
  expect(interpret(exchangeWith('petrosoft'), answer(token))).toMatchObject({
    expiresAt: plus(sentAt, hours(24)),
    warnings: ['lifetime_capped'],
  });
});

it('the limits are those of the documents', () => {
  expect(LARGEST).toMatchObject({ accessToken: 16 * 1024, refreshToken: 16 * 1024 });
});
