import { expect, it } from 'vitest';
import { providerFromData } from '../../lib/definition/from-file.ts';

/** What a secret says cannot lead to another host or another path. */

const shop = providerFromData({
  id: 'shop',
  title: 'Shop',
  source: 'https://shop.test/docs',
  lifetime: '1h',
  fields: { shop: { purpose: 'the name of the shop' }, tenant: { purpose: 'the tenant' } },
  base: 'https://{shop}.shop.test',
  login: { url: '{base}/{tenant}/token', form: { grant_type: 'client_credentials' } },
  consumer: { baseUrl: '{base}/api/{tenant}' },
  hosts: ['*.shop.test'],
});

const urlOf = (fields: { readonly shop?: string; readonly tenant?: string }) => {
  const opened = shop.open({ shop: 'acme', tenant: 't', ...fields });
  if (!opened.ok) return opened.problems.map(({ field, message }) => `${field}: ${message}`).join();
  return new URL(opened.account.logIn().url).href;
};

it.each(['evil.test/', 'evil.test#', 'a.b', 'a/b', 'a@b', 'a:1', 'a\\b', '-a', 'ä', 'a b', 'a%2e'])(
  '%j is not accepted as part of a host',
  name => {
    expect(urlOf({ shop: name })).toMatch(/^shop: "shop" is not a part of a host name: give the name of the shop/);
  },
);

it.each(['.', '..'])('%j is not accepted as part of a path', tenant => {
  expect(urlOf({ tenant })).toBe('tenant: "tenant" leads to another address: check the tenant');
});

it.each([
  ['a/../../b', 'a%2F..%2F..%2Fb'],
  ['a?b#c', 'a%3Fb%23c'],
  ['%2e%2e', '%252e%252e'],
  ['a\\b', 'a%5Cb'],
  ['tenant.example.com', 'tenant.example.com'],
])('%j stays one part of the path', (tenant, part) => {
  expect(urlOf({ tenant })).toBe(`https://acme.shop.test/${part}/token`);
});
