import { describe, expect, it } from 'vitest';
import { interpret, interpretFirstStep } from '../../lib/core/interpret.ts';
import { LARGEST } from '../../lib/core/limits.ts';
import { findProvider } from '../../lib/providers/index.ts';
import { exchangeWith, fixturesOf, jwt } from '../providers/fixtures.ts';
import { answer, testProvider } from '../support/vendor.ts';

const read = (id: string, change: object) =>
  interpret(exchangeWith(id), answer({ ...(fixturesOf(id).token as object), ...change }));

describe('an answer that could not be stored', () => {
  it.each([
    ['an access token', { access_token: 'a'.repeat(LARGEST.accessToken + 1) }],
    ['an access token of two-byte characters', { access_token: 'ö'.repeat(LARGEST.accessToken / 2 + 1) }],
    ['a refresh token', { refresh_token: 'r'.repeat(LARGEST.refreshToken + 1) }],
  ])('because of %s is refused, and the token before it stays', (_, change) => {
    expect(read('petrosoft', change)).toEqual({ kind: 'unknown', code: 'answer_too_large', status: 200 });
  });

  it('is not one whose token is just as large as it may be', () => {
    expect(read('petrosoft', { access_token: 'a'.repeat(LARGEST.accessToken) })).toMatchObject({ kind: 'granted' });
  });

  it.each([9e15, 1e300, 1e16, '9e15'])(
    'because its session ends in %s seconds has an unknown end',
    refresh_expires_in => {
      const outcome = read('petrosoft', { refresh_expires_in });
      expect(outcome).toMatchObject({ kind: 'granted' });
      expect(outcome).not.toHaveProperty('sessionEndsAt');
    },
  );

  it.each([1e300, 9e15, 2 ** 53])('because its token expires at %s is capped, with a warning', exp => {
    const outcome = read('petrosoft', { access_token: jwt({ exp }) });
    expect(outcome).toMatchObject({ kind: 'granted', warnings: ['lifetime_capped'] });
  });
});

it.each<unknown>([{ toString: 1 }, { valueOf: null }, [], {}, true, ['ORG'], ''])(
  'an organisation of %j is another one, whatever it takes to read it',
  organisation => {
    const svc = 'https://region-a.powerepos.cloud';
    expect(read('powerepos', { access_token: jwt({ org_id: organisation, svc }) })).toMatchObject({
      kind: 'refused',
      code: 'organisation_mismatch',
    });
    expect(read('powerepos', { org_id: organisation })).toMatchObject({ code: 'organisation_mismatch' });
  },
);

describe('a definition with a bug', () => {
  const bug = () => {
    throw new Error('planted-words');
  };
  const provider = testProvider({ fault: bug }, { usage: bug, exchange: bug });
  const opened = provider.open({ password: 'x' });
  if (!opened.ok) throw new Error('not opened');
  const exchange = { ...exchangeWith('petrosoft'), provider, account: opened.account };

  it.each([
    ['reads an answer', () => interpret(exchange, answer({ access_token: 'a', expires_in: 60 }))],
    ['reads an error', () => interpret(exchange, answer('', 400))],
    ['makes the second request', () => interpretFirstStep(exchange, answer({ code: 'c' }))],
    [
      'reads the end of a session',
      () => {
        const petrosoft = findProvider('petrosoft');
        if (!petrosoft) throw new Error('there is one');
        const broken = { ...exchangeWith('petrosoft'), provider: { ...petrosoft, sessionEnds: bug } };
        return interpret(broken, answer(fixturesOf('petrosoft').token));
      },
    ],
  ])('ends in a value when it %s', (_, run) => {
    expect(run()).toMatchObject({ kind: 'unknown', code: 'internal_error' });
    expect(JSON.stringify(run())).not.toContain('planted');
  });
});
