import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import {
  callDeadlineOf,
  longestCallDeadline,
  defaultPolicy as policy,
  runDeadlineOf,
  slotPatienceOf,
} from '../../lib/core/policy.ts';
import { connectionId, hours, minutes, seconds } from '../../lib/core/types.ts';
import { findProvider, providerIds, providers } from '../../lib/providers/index.ts';
import { simulatedAccounts } from '../../local/simulators/accounts.ts';
import { simulatedProviders } from '../../local/simulators/index.ts';
import { answer } from '../kit/vendor.ts';
import { accountOf, exchangeWith, type Fixtures, fixturesOf, problemsOf, sentAt } from './fixtures.ts';
import { missingIn } from './missing.ts';

describe('the index', () => {
  it('has a folder for each provider, with all that it needs', () => {
    expect(missingIn()).toEqual([]);
  });

  it('has a simulator and an account at it for each provider, and no other', () => {
    expect([...simulatedProviders].sort()).toEqual([...providerIds].sort());
    expect(new Set(simulatedAccounts.map(({ provider }) => provider))).toEqual(new Set(providerIds));
  });

  it('finds each provider by its id and nothing by another', () => {
    for (const provider of providers) expect(findProvider(provider.id)).toBe(provider);
    for (const id of ['', 'constructor', '__proto__', 'poweroffice']) expect(findProvider(id)).toBeUndefined();
    expect(new Set(providerIds).size).toBe(providers.length);
  });
});

describe.each(providers)('$id', provider => {
  const { id } = provider;
  const fixtures = fixturesOf(id);
  const { secret, requests, token, published, errors = [] } = fixtures;
  /** A test that runs if its fixtures are there; `missing.ts` names them otherwise. */
  const needing = (...parts: readonly (keyof Fixtures)[]) => it.runIf(parts.every(part => part in fixtures));
  const asking = needing('secret', 'requests', 'published');
  const answered = needing('secret', 'token', 'published');

  it('has data within reason', () => {
    expect(connectionId(id, 'acme')).toBe(`${id}/acme`);
    expect(provider.title).not.toBe('');
    expect(provider.lifetime).toBeGreaterThanOrEqual(minutes(5));
    expect(provider.lifetime).toBeLessThanOrEqual(hours(24));
    expect(Number.isInteger(provider.concurrency) && provider.concurrency > 0).toBe(true);
  });

  needing('secret')('has time for its calls within the lease, with the commit after them', () => {
    const account = accountOf(id);
    expect(provider.callsPerRun).toBe((account.refresh ? 1 : 0) + (account.exchange ? 2 : 1));
    const call = callDeadlineOf(policy, provider);
    expect(call).toBeGreaterThanOrEqual(seconds(1));
    expect(call).toBeLessThanOrEqual(longestCallDeadline(policy, provider));
    const run = runDeadlineOf(policy, provider);
    expect(run).toBeGreaterThanOrEqual(provider.callsPerRun * call);
    const waiting = provider.rateLimit ? slotPatienceOf(policy, provider) : 0;
    expect(run + waiting + policy.commit).toBeLessThanOrEqual(policy.lease);
  });

  asking('builds the documented requests, and the same ones each time', () => {
    const account = accountOf(id);
    const code = fixtures.code;
    const built = () => ({
      logIn: account.logIn(),
      ...(code && account.exchange && { exchange: account.exchange(code) }),
      ...(account.refresh && { refresh: account.refresh('made-up/refresh+token') }),
      ...(provider.revoke && { revoke: provider.revoke(published.baseUrl, 'made-up/refresh+token') }),
    });
    expect(built()).toEqual(requests);
    expect(built()).toEqual(built());
  });

  needing('secret', 'requests')('sends no credential in a URL, and nothing in a header that it cannot carry', () => {
    const credentials = Object.entries(secret).filter(([field]) => field !== 'baseUrl' && field !== 'environment');
    for (const request of Object.values(requests)) {
      for (const [, value] of credentials) expect(request.url).not.toContain(value);
      for (const value of Object.values(request.headers)) expect(value).toMatch(/^[\x20-\x7e\xa0-\xff]+$/);
    }
  });

  needing('secret')('sends every request below `baseUrl` if the secret has one, without a double slash', () => {
    for (const [baseUrl, base] of [
      ['http://127.0.0.1:8080/demo///', 'http://127.0.0.1:8080/demo'],
      ['https://proxy.example.com', 'https://proxy.example.com'],
    ] as const) {
      const account = accountOf(id, { baseUrl });
      const sent = [account.logIn(), account.refresh?.('r'), fixtures.code && account.exchange?.(fixtures.code)];
      for (const request of sent) {
        if (!request) continue;
        expect(request.url.startsWith(`${base}/`)).toBe(true);
        expect(request.url.slice('https://'.length)).not.toContain('//');
      }
    }
  });

  answered('publishes what a token answer says', () => {
    const { seconds, sessionSeconds, ...rest } = published;
    expect(interpret(exchangeWith(id), answer(token))).toEqual({
      kind: 'granted',
      accessToken: token.access_token,
      issuedAt: sentAt,
      expiresAt: sentAt + seconds * 1000,
      ...(sessionSeconds !== undefined && { sessionEndsAt: sentAt + sessionSeconds * 1000 }),
      ...rest,
    });
  });

  answered('takes an answer without a refresh token', () => {
    for (const refresh_token of [undefined, '']) {
      const outcome = interpret(exchangeWith(id), answer({ ...token, refresh_token }));
      expect(outcome.kind).toBe('granted');
      expect(outcome).not.toHaveProperty('refreshToken');
    }
  });

  describe.runIf('secret' in fixtures && errors.length > 0)('an answer without a token', () => {
    it.each(errors)('reads $status: $name', ({ grant, status, body, expected }) => {
      const outcome = interpret(exchangeWith(id, grant), answer(body, status));
      expect(outcome).toEqual({ ...expected, status });
    });
  });

  needing('secret', 'errors')('has fixtures of an error that stops, and of nothing but made-up words', () => {
    expect(errors.some(({ expected }) => expected.kind === 'refused')).toBe(true);
    for (const value of Object.values(secret)) expect(value).toMatch(/made-up|feed|example|demo|officernd|MADE-UP/);
  });

  needing('secret', 'token')('refuses a token that no header can carry', () => {
    for (const accessToken of ['a\r\nx: y', 'a\u0000', 'tøken\u2028', '€']) {
      const outcome = interpret(exchangeWith(id), answer({ ...token, access_token: accessToken }));
      expect(outcome).toEqual({ kind: 'unknown', code: 'malformed_answer', status: 200 });
    }
  });

  needing('secret')('names each required field that is missing, empty or no text', () => {
    for (const field of provider.fields.required) {
      for (const bad of [undefined, null, '', 7, ['a'], 'a\u0000b']) {
        const problems = problemsOf(id, { ...secret, [field]: bad });
        expect(problems.map(problem => problem.field)).toEqual([field]);
        expect(problems[0]?.message).toMatch(new RegExp(`^"${field}" (is|holds) .+: \\w+ .{3,}$`));
      }
    }
  });

  needing('secret')('names all fields that are missing at once, and does not take a near miss for the field', () => {
    const misspelled = Object.fromEntries(Object.entries(secret).map(([field, value]) => [field.toUpperCase(), value]));
    const named = problemsOf(id, misspelled).map(({ field }) => field);
    expect(named).toEqual(expect.arrayContaining([...provider.fields.required]));
    expect(problemsOf(id, { ...secret, _note: 'kept for ourselves', _nested: { a: 1 } })).toEqual([]);
  });

  it('answers a secret that is not a JSON object with one sentence', () => {
    for (const value of [undefined, null, 'text', 7, true, [secret]]) {
      expect(problemsOf(id, value)).toEqual([
        { field: '', message: expect.stringMatching(/^The secret is not a JSON object: /) },
      ]);
    }
  });

  needing('secret')('never puts an invalid value into a message', () => {
    const fields = [...provider.fields.required, ...provider.fields.optional];
    const value = fc.string({ unit: 'binary', minLength: 6 }).map(text => `\u0007${text}\u00e6\u0000#?`);
    fc.assert(
      fc.property(fc.subarray(fields, { minLength: 1 }), value, (bad, text) => {
        const problems = problemsOf(id, { ...secret, ...Object.fromEntries(bad.map(field => [field, text])) });
        expect(problems.map(({ field }) => field)).toEqual(expect.arrayContaining(bad));
        for (const { message } of problems) expect(message).not.toContain(text);
      }),
    );
  });

  needing('secret')('opens whatever it is given without throwing', () => {
    fc.assert(fc.property(fc.anything(), value => void provider.open(value)));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...provider.fields.required), fc.anything()), fields => {
        provider.open({ ...secret, ...fields });
      }),
    );
  });

  needing('secret')('has a budget key that is stable and holds no credential', () => {
    const { limitKey } = accountOf(id);
    expect(limitKey).toBe(accountOf(id).limitKey);
    expect(limitKey).toMatch(new RegExp(`^${id}(#[0-9a-f]{16})?$`));
  });
});
