import { expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import { answer } from '../kit/vendor.ts';
import { accountOf, exchangeWith, provider } from './fixtures.ts';

const id = 'poweroffice-v2';
const usage = (changes: Record<string, unknown>) =>
  accountOf(id, changes).usage({ accessToken: 't', tokenType: 'Bearer', json: {}, claims: {} });

it.each([
  [{}, 'https://goapi.poweroffice.net/Demo'],
  [{ environment: undefined }, 'https://goapi.poweroffice.net'],
  [{ environment: 'production' }, 'https://goapi.poweroffice.net'],
  [{ baseUrl: 'https://proxy.example.com/x/' }, 'https://proxy.example.com/x'],
])('with %j it is at %s', (changes, base) => {
  expect(accountOf(id, changes).logIn().url).toBe(`${base}/OAuth/Token`);
  expect(usage(changes)).toMatchObject({ baseUrl: `${base}/v2` });
});

it('counts calls by subscription key, over all customers', () => {
  const { limitKey } = accountOf(id);
  expect(provider(id).rateLimit).toEqual({ calls: 10, per: 1000 });
  expect(accountOf(id, { clientKey: 'another' }).limitKey).toBe(limitKey);
  expect(accountOf(id, { subscriptionKey: 'another' }).limitKey).not.toBe(limitKey);
});

it('has no refresh grant', () => {
  expect(accountOf(id).refresh).toBeUndefined();
});

it('distinguishes a 401 of the gateway from one of the OAuth server', () => {
  const outcome = (body: unknown) => interpret(exchangeWith(id), answer(body, 401));
  expect(outcome({ statusCode: 401, message: 'x' })).toMatchObject({
    kind: 'refused',
    code: 'subscription_key_refused',
  });
  expect(outcome({ message: 'x' })).toMatchObject({ code: 'subscription_key_refused' });
  expect(outcome({ error: 'invalid_client', message: 'x' })).toMatchObject({ code: 'invalid_client' });
  expect(outcome('')).toMatchObject({ kind: 'rejected', code: 'access_refused' });
});
