import { describe, expect, it } from 'vitest';
import { isOnHosts } from '../../lib/core/hosts.ts';
import { acmeAccountOf, acmeProblemsOf, request, secret, withField } from './acme.ts';

const shop = {
  fields: withField('shop'),
  base: 'https://{shop}.acme.test',
  hosts: ['*.acme.test'],
};

describe('a field that is part of a host', () => {
  it.each(['one', 'ONE-2', 'a', '9', 'x'.repeat(63)])('is a label: %s', value => {
    const { base, logIn } = acmeAccountOf(shop, { ...secret, shop: value });
    expect(base).toBe(`https://${value.toLowerCase()}.acme.test`);
    expect(logIn().url).toBe(`${base}/token`);
  });

  it.each([
    'evil.test/',
    'evil.test',
    '..',
    'a.b',
    'a/b',
    'a@b',
    'a:b',
    'a#b',
    'a?b',
    'a%2eb',
    '-a',
    'a-',
    'å',
    'a b',
    'x'.repeat(64),
  ])('is nothing else: %s', value => {
    expect(acmeProblemsOf(shop, { ...secret, shop: value })).toEqual([
      '"shop" is not a part of a host name: give the shop, with letters, digits and "-" alone',
    ]);
  });
});

describe('a field that is part of a path', () => {
  const tenant = {
    fields: withField('tenant'),
    login: { ...request, url: '{base}/{tenant}/token' },
    consumer: { baseUrl: '{base}/api/{tenant}' },
  };

  it.each(['..', '.'])('leads nowhere else: %s', value => {
    expect(acmeProblemsOf(tenant, { ...secret, tenant: value })).toEqual([
      '"tenant" leads to another address: check the tenant',
    ]);
  });

  it.each(['a/b', '../x', '..%2f', 'a?b#c', '@evil.test', '//evil.test', '\\evil', '{base}'])(
    'is encoded: %s',
    value => {
      const account = acmeAccountOf(tenant, { ...secret, tenant: value });
      const encoded = encodeURIComponent(value);
      expect(account.logIn().url).toBe(`https://login.acme.test/${encoded}/token`);
      const usage = account.usage({ accessToken: 't', tokenType: 'Bearer', json: {}, claims: {} });
      const { baseUrl } = typeof usage === 'string' ? expect.fail(usage) : usage;
      expect([baseUrl, isOnHosts(baseUrl, ['login.acme.test'])]).toEqual([
        `https://login.acme.test/api/${encoded}`,
        true,
      ]);
    },
  );
});

describe('an address in an answer', () => {
  const change = { consumer: { baseUrl: ['{claims.api}', '{answer.api_url}/v1'] }, hosts: ['*.acme.test'] };
  const usageOf = (json: object, claims: object = {}) =>
    acmeAccountOf(change).usage({ accessToken: 't', tokenType: 'Bearer', json: { ...json }, claims: { ...claims } });

  it('is the first that is there', () => {
    const api_url = 'https://a.acme.test';
    expect(usageOf({ api_url })).toMatchObject({ baseUrl: 'https://a.acme.test/v1' });
    expect(usageOf({ api_url }, { api: 'https://b.acme.test/' })).toMatchObject({ baseUrl: 'https://b.acme.test' });
    expect(usageOf({})).toBe('malformed_answer');
  });

  it.each([
    'https://evil.test',
    'http://a.acme.test',
    'https://a.acme.test:8443',
    'https://a.acme.test@evil.test',
    'x',
  ])('is refused elsewhere: %s', api_url => {
    expect(usageOf({ api_url })).toBe('service_uri_refused');
  });
});

describe('what an answer must have of the secret', () => {
  const change = { fields: withField('orgId'), match: { 'org.id': 'orgId' } };
  const usageOf = (json: object, claims: object = {}) => {
    const account = acmeAccountOf(change, { ...secret, orgId: '7' });
    return account.usage({ accessToken: 't', tokenType: 'Bearer', json: { ...json }, claims: { ...claims } });
  };

  it('may be missing, or a number; nothing else is taken', () => {
    for (const id of ['7', 7]) expect(usageOf({ org: { id } })).toMatchObject({ baseUrl: expect.any(String) });
    expect(usageOf({})).toMatchObject({ baseUrl: expect.any(String) });
    for (const id of ['8', 8, true, {}]) expect(usageOf({ org: { id } })).toBe('organisation_mismatch');
    expect(usageOf({ org: { id: '7' } }, { org: { id: '8' } })).toBe('organisation_mismatch');
  });
});

describe('a default', () => {
  const mode = { oneOf: ['live', 'test'], default: 'live' };
  const rule = { if: 'mode', contains: 'test', use: 'sandbox', otherwise: 'main' };
  const fields = { ...withField('mode', mode), area: { purpose: 'the area', optional: true, default: rule } };
  const login = { url: '{base}/token', form: { mode: '{mode}', area: '{area}' } };

  it('counts if the field is left out, and may depend on another', () => {
    const sentBy = (more: object) => acmeAccountOf({ fields, login }, { ...secret, ...more }).logIn().body;
    expect(sentBy({})).toBe('mode=live&area=main');
    expect(sentBy({ mode: 'test' })).toBe('mode=test&area=sandbox');
    expect(sentBy({ mode: 'test', area: 'x' })).toBe('mode=test&area=x');
  });

  it('changes nothing about what else the field may be', () => {
    expect(acmeProblemsOf({ fields, login }, { ...secret, mode: 'demo' })).toEqual([
      '"mode" is neither "live" nor "test": give one of them, or leave it out',
    ]);
  });
});
