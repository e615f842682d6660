import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { isOnHosts } from '../../lib/core/hosts.ts';
import type { Account, HttpRequest } from '../../lib/core/provider.ts';
import { epochMs } from '../../lib/core/types.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { providersInFolder } from '../../lib/definition-files.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import { answered, requests, signed, used } from './expected.ts';
import { inventedSecrets, keyFor } from './invented.ts';

const providers = providersInFolder('catalogue');

const opened = (provider: DefinedProvider, secret: object): Account => {
  const answer = provider.open(secret);
  if (!answer.ok) throw new Error(answer.problems.map(({ message }) => message).join('\n'));
  return answer.account;
};

/** A provider with the account of each group of its alternatives, all fields filled. */
const cases = providers.flatMap(provider => {
  const groups = provider.definition.alternatives ?? [[]];
  return groups.map((group, n) => {
    const name = n === 0 ? provider.id : `${provider.id} (${group.join(', ')})`;
    return [name, provider, opened(provider, inventedSecrets(provider.definition)[2 * n] ?? {})] as const;
  });
});

/** The fields that a request sends, in any form. */
const sentIn = ({ url, body = '', headers }: HttpRequest): object => {
  if (headers['Content-Type'] === 'application/json') return JSON.parse(body);
  return Object.fromEntries(new URLSearchParams(body === '' ? new URL(url).search : body));
};

it('has 20 definitions, each with its source and a note that it is untested', () => {
  expect(providers).toHaveLength(20);
  for (const { definition } of providers) {
    expect(definition.source).toMatch(/ documentation: https:\/\/\S+/);
    expect(definition.source).toMatch(/ From documentation, not tried at the provider\.$/);
  }
});

it('lists by hand what each one sends, and what consumers get', () => {
  const names = cases.map(([name]) => name).toSorted();
  expect(Object.keys(requests).toSorted()).toEqual(names);
  expect(Object.keys(used).toSorted()).toEqual(names);
  const signers = providers.filter(({ definition }) => definition.assertion).map(({ id }) => id);
  expect(Object.keys(signed).toSorted()).toEqual(signers);
});

describe.each(cases)('%s', (name, provider, account) => {
  it('sends what its vendor documents', () => {
    const { url, sends, headers = {}, rotates } = requests[name] ?? expect.fail();
    const login = account.logIn('signed');
    expect(login.url.split('?')[0]).toBe(url);
    expect(login.method).toBe('POST');
    expect(sentIn(login)).toEqual(sends);
    expect(login.headers).toMatchObject(headers);
    if (!rotates) return;
    expect(account.oneTimeCode).toBe('refreshToken');
    expect(account.refresh?.('refreshToken')).toEqual(login);
  });

  it('sends nothing to a host that is not its own, with all fields and with the required ones', () => {
    for (const secret of inventedSecrets(provider.definition)) {
      const { logIn, refresh } = opened(provider, secret);
      for (const request of [logIn('signed'), ...(refresh ? [refresh('held')] : [])]) {
        expect(isOnHosts(request.url, provider.hosts), request.url).toBe(true);
      }
    }
  });

  it('gives consumers headers and a base URL', () => {
    const [baseUrl, headers] = used[name] ?? expect.fail();
    const json = answered[provider.id] ?? {};
    const usage = account.usage({ accessToken: 'token', tokenType: 'Bearer', json, claims: {} });
    const own = 'X-Shopify-Access-Token' in (headers ?? {}) ? {} : { Authorization: 'Bearer token' };
    expect(usage).toEqual({ headers: { ...own, ...headers }, baseUrl });
  });
});

describe.each(cases.filter(([, { definition }]) => definition.assertion))('%s', (name, provider, account) => {
  it('signs what its vendor documents', async () => {
    if (!account.assertion) throw new Error('it has one');
    const jwt = await signAssertion(account.assertion, epochMs(1_800_000_000_000));
    const { claims, header } = signed[name] ?? expect.fail();
    const { iat, exp, jti, ...others } = decodeJwt(jwt);
    expect(others).toEqual(claims);
    expect([iat, jti]).toEqual([1_800_000_000, expect.any(String)]);
    // No vendor accepts an assertion that is valid for an hour.
    expect(Number(exp) - Number(iat)).toBeLessThan(3600);
    expect(decodeProtectedHeader(jwt)).toEqual({ typ: 'JWT', ...header });
    const { publicKey } = keyFor(provider.definition.assertion?.algorithm ?? '');
    await jwtVerify(jwt, publicKey, { currentDate: new Date(1_800_000_000_000) });
  });
});

it('DocuSign’s audience is the host of its environment', () => {
  const provider = providers.find(({ id }) => id === 'docusign') ?? expect.fail();
  const [, required = {}] = inventedSecrets(provider.definition);
  const audienceOf = (secret: object) => opened(provider, secret).assertion?.claims.aud;
  expect(audienceOf(required)).toBe('account.docusign.com');
  expect(audienceOf({ ...required, environment: 'demo' })).toBe('account-d.docusign.com');
});

it('Exact Online’s refusal of an early renewal is retried later, whatever its code', () => {
  const provider = providers.find(({ id }) => id === 'exact-online') ?? expect.fail();
  const error_description = 'Rate limit exceeded: access_token not expired';
  for (const error of ['access_denied', 'invalid_request']) {
    const fault = provider.fault?.({ status: 400, json: { error, error_description } }, 'refresh');
    expect(fault).toEqual({ kind: 'retry', code: 'rate_limited' });
  }
  expect(provider.fault?.({ status: 400, json: { error: 'invalid_grant' } }, 'refresh')).toBeUndefined();
});
