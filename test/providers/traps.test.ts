import { describe, expect, it } from 'vitest';
import { interpret, type Outcome } from '../../lib/core/interpret.ts';
import { providers } from '../../lib/providers/index.ts';
import { accountOf, answer, exchangeWith, fixturesOf, jwt, problemsOf, sentAt } from './fixtures.ts';

/** The traps of providers that a single request and its answer can show. */

const livesFor = (outcome: Outcome) => outcome.kind === 'granted' && (outcome.expiresAt - outcome.issuedAt) / 1000;
const issued = sentAt / 1000;

it('trap 1: Petrosoft counts seconds, and the JWT’s own exp wins over them', () => {
  const read = (claims: Record<string, unknown>) =>
    livesFor(
      interpret(exchangeWith('petrosoft'), answer({ ...fixturesOf('petrosoft').token, access_token: jwt(claims) })),
    );
  expect(read({})).toBe(86_400);
  expect(read({ exp: issued + 86_373 })).toBe(86_373);
});

it('trap 2: iOFFICE counts milliseconds', () => {
  expect(livesFor(interpret(exchangeWith('ioffice'), answer({ access_token: 't', expires_in: 14_400_000 })))).toBe(
    14_400,
  );
});

it('trap 3: a Petrosoft session ends when its token does, even if the token is new', () => {
  const exp = issued + 86_400 - 27;
  const token = { access_token: jwt({ exp }), expires_in: 86_373, refresh_expires_in: 86_373, refresh_token: 'next' };
  const outcome = interpret(exchangeWith('petrosoft', 'refresh'), answer(token));
  expect(outcome).toMatchObject({ kind: 'granted', expiresAt: exp * 1000, sessionEndsAt: exp * 1000 });
});

it('trap 4 and 5: a 500 that echoes the refresh token refuses it, and nothing of it gets out', () => {
  const token = 'eyJmade.up-secret-part';
  const message = `JWT missing parts. Total number of parts: 2 Token: ${token}`;
  const body = { success: false, data: [], message, http_code: 500, errors: [], total: null };
  const outcome = interpret(exchangeWith('petrosoft', 'refresh'), answer(body, 500));
  expect(outcome).toEqual({ kind: 'refused', code: 'session_refused', status: 500 });
});

describe('trap 5: no word of an error answer gets out', () => {
  it.each(providers.map(({ id }) => id))('of %s', id => {
    for (const { grant, status, body } of fixturesOf(id).errors) {
      const said = JSON.stringify(interpret(exchangeWith(id, grant), answer(body, status)));
      expect(said).not.toMatch(/made-up/i);
    }
  });
});

describe('trap 7: an answer without a refresh token is a token all the same', () => {
  it.each(providers.map(({ id }) => id))('of %s', id => {
    const { refresh_token: _, ...token } = fixturesOf(id).token;
    const outcome = interpret(exchangeWith(id), answer(token));
    expect(outcome.kind).toBe('granted');
    expect(outcome).not.toHaveProperty('refreshToken');
  });
});

it('trap 8: a refresh without a new refresh token says so by leaving it out; with one, it is the new one', () => {
  const read = (more: object) =>
    interpret(exchangeWith('poweroffice-v1', 'refresh'), answer({ access_token: 't', expires_in: 600, ...more }));
  expect(read({})).not.toHaveProperty('refreshToken');
  expect(read({ refresh_token: '' })).not.toHaveProperty('refreshToken');
  expect(read({ refresh_token: 'new' })).toMatchObject({ refreshToken: 'new' });
});

it('trap 10: the subscription key is among the consumer’s headers', () => {
  const outcome = interpret(exchangeWith('poweroffice-v2'), answer(fixturesOf('poweroffice-v2').token));
  expect(outcome).toMatchObject({
    headers: { 'Ocp-Apim-Subscription-Key': fixturesOf('poweroffice-v2').secret.subscriptionKey },
  });
});

it('trap 11: each token comes with its own service address', () => {
  const account = accountOf('powerepos');
  const at = (svc: string) =>
    account.usage({ accessToken: jwt({ svc }), tokenType: 'Bearer', json: {}, claims: { svc } });
  expect(at('https://region-a.powerepos.cloud')).toMatchObject({ baseUrl: 'https://region-a.powerepos.cloud' });
  expect(at('https://region-b.powerepos.cloud')).toMatchObject({ baseUrl: 'https://region-b.powerepos.cloud' });
});

it('trap 12: a token of another organisation is refused', () => {
  const { token } = fixturesOf('powerepos');
  const outcome = interpret(exchangeWith('powerepos', 'refresh'), answer({ ...token, org_id: 'ORG-OTHER' }));
  expect(outcome).toMatchObject({ kind: 'refused', code: 'organisation_mismatch' });
});

describe('trap 13: a lifetime that cannot be', () => {
  it.each(providers.map(provider => [provider.id, provider] as const))('of %s', (id, provider) => {
    const { token } = fixturesOf(id);
    // Opaque tokens: only `expires_in` gives a lifetime. PowerEPOS still names its address in the body.
    const read = (expires_in: unknown) =>
      interpret(exchangeWith(id), answer({ ...token, access_token: 'opaque', expires_in }));
    for (const bad of [0, -1, '0']) expect(read(bad)).toMatchObject({ code: 'invalid_lifetime' });
    const unit = provider.expiresIn === 'seconds' ? 1000 : 1;
    expect(livesFor(read(String(provider.lifetime / unit)))).toBe(provider.lifetime / 1000);
    expect(read(undefined)).toMatchObject({ warnings: ['lifetime_assumed'] });
    expect(read((provider.lifetime * 1000) / unit)).toMatchObject({ warnings: ['lifetime_capped'] });
  });
});

describe('trap 14: 200 is not yet a token', () => {
  it.each(providers.map(({ id }) => id))('of %s', id => {
    const { token } = fixturesOf(id);
    const bodies = [
      '',
      '<html>',
      '{"access_token":"t"',
      '[]',
      { ...token, access_token: '' },
      { ...token, access_token: 7 },
    ];
    for (const body of bodies) expect(interpret(exchangeWith(id), answer(body)).kind).not.toBe('granted');
  });
});

it('headers take nothing that could become another header', () => {
  for (const field of ['clientId', 'redirectUri', 'scope', 'username', 'password', 'authorizationCode']) {
    const problems = problemsOf('ioffice', { ...fixturesOf('ioffice').secret, [field]: 'a\r\nx-injected: 1' });
    expect(problems).toEqual([{ field, message: expect.stringContaining('line break') }]);
  }
});
