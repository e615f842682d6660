import { expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import { answer } from '../kit/vendor.ts';
import { accountOf, exchangeWith, jwt, problemsOf } from './fixtures.ts';

const id = 'poweroffice-v1';

it('calls the demo only if the secret says so', () => {
  expect(accountOf(id).logIn().url).toBe('https://api.poweroffice.net/OAuth/Token');
  expect(accountOf(id, { environment: 'production' }).logIn().url).toBe('https://api.poweroffice.net/OAuth/Token');
  expect(accountOf(id, { environment: 'demo' }).logIn().url).toBe('https://api-demo.poweroffice.net/OAuth/Token');
  expect(problemsOf(id, { appKey: 'a', clientKey: 'b', environment: 'Production' })).toEqual([
    {
      field: 'environment',
      message: '"environment" is neither "demo" nor "production": give one of them, or leave it out',
    },
  ]);
});

it('uses `baseUrl` for the token and for the API', () => {
  const outcome = interpret(
    exchangeWith(id, 'login', { baseUrl: 'http://localhost:1/v1/', environment: 'demo' }),
    answer({ access_token: 't', expires_in: 600 }),
  );
  expect(outcome).toMatchObject({ kind: 'granted', baseUrl: 'http://localhost:1/v1' });
});

it('sends the subscription key, if there is one, with token requests and API calls', () => {
  const subscriptionKey = 'made-up-key';
  const account = accountOf(id, { subscriptionKey });
  const usage = account.usage({ accessToken: 't', tokenType: 'Bearer', json: {}, claims: {} });
  for (const headers of [account.logIn().headers, account.refresh?.('r').headers]) {
    expect(headers).toMatchObject({ 'Ocp-Apim-Subscription-Key': subscriptionKey });
  }
  expect(usage).toMatchObject({ headers: { Authorization: 'Bearer t', 'Ocp-Apim-Subscription-Key': subscriptionKey } });
});

it('counts calls by application key', () => {
  const { limitKey } = accountOf(id);
  expect(accountOf(id, { clientKey: 'another' }).limitKey).toBe(limitKey);
  expect(accountOf(id, { appKey: 'another' }).limitKey).not.toBe(limitKey);
});

it('takes the lifetime of the answer, not the documented one', () => {
  const outcome = interpret(exchangeWith(id), answer({ access_token: jwt({}), expires_in: 1200 }));
  expect(outcome.kind === 'granted' && outcome.expiresAt - outcome.issuedAt).toBe(1_200_000);
});
