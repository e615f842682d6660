import { describe, expect, it } from 'vitest';
import { accountOf, fixturesOf, jwt, provider } from './fixtures.ts';

const id = 'powerepos';
const { orgId } = fixturesOf(id).secret;
const svc = 'https://region-a.powerepos.cloud/partner';
const usage = (json: Record<string, unknown>, claims: Record<string, unknown> = {}) =>
  accountOf(id).usage({ accessToken: jwt(claims), tokenType: 'Bearer', json, claims });

describe('the service address', () => {
  it('is the claim of the token, or the field of the body if there is no claim', () => {
    expect(usage({ svc: 'https://stale.powerepos.cloud' }, { svc })).toMatchObject({ baseUrl: svc });
    expect(usage({ svc: `${svc}/` })).toMatchObject({ baseUrl: svc });
  });

  it('is on a host of the provider', () => {
    for (const elsewhere of [
      'https://evil.example',
      'https://evilpowerepos.cloud',
      'https://powerepos.cloud.evil.example',
    ]) {
      expect(usage({ svc: elsewhere })).toBe('service_uri_refused');
      expect(usage({ svc }, { svc: elsewhere })).toBe('service_uri_refused');
    }
    expect(usage({ svc: 'https://169.254.169.254' })).toBe('service_uri_refused');
    expect(usage({ svc: `${svc.replace('.cloud', '.cloud:8443')}` })).toBe('service_uri_refused');
  });

  it('may be on the host of the secret’s `baseUrl`, and then on no other', () => {
    const account = accountOf(id, { baseUrl: 'https://proxy.example.com/auth' });
    const usageOf = (address: string) =>
      account.usage({ accessToken: 't', tokenType: 'Bearer', json: { svc: address }, claims: {} });
    expect(usageOf('https://proxy.example.com/region')).toMatchObject({ baseUrl: 'https://proxy.example.com/region' });
    expect(usageOf('https://other.example.com')).toBe('service_uri_refused');
    expect(usageOf('https://proxy.example.com:444')).toBe('service_uri_refused');
  });

  it('may be at a host that the deployment adds', () => {
    const opened = provider(id).open(fixturesOf(id).secret, {
      hosts: ['*.pos.example.com'],
      ownBaseUrl: true,
      loopback: true,
    });
    const read = (address: string) =>
      opened.ok && opened.account.usage({ accessToken: 't', tokenType: 'Bearer', json: { svc: address }, claims: {} });
    expect(read('https://a.b.pos.example.com/x')).toMatchObject({ baseUrl: 'https://a.b.pos.example.com/x' });
    expect(read('https://pos.example.com/x')).toBe('service_uri_refused');
  });

  it('does not follow `baseUrl`: a token works only at the address in it', () => {
    const account = accountOf(id, { baseUrl: 'https://proxy.example.com' });
    expect(account.usage({ accessToken: 't', tokenType: 'Bearer', json: { svc }, claims: {} })).toMatchObject({
      baseUrl: svc,
    });
  });

  it.each([
    'http://region-a.powerepos.cloud',
    'region-a.powerepos.cloud',
    'ftp://127.0.0.1',
    'https://u:p@example.com',
    `${svc}?a`,
  ])('%s is refused', address => {
    expect(usage({ svc: address })).toBe('service_uri_refused');
    expect(usage({ svc }, { svc: address })).toBe('service_uri_refused');
  });

  it('may be on loopback without TLS if the secret’s own address is there', () => {
    const account = accountOf(id, { baseUrl: 'http://127.0.0.1:1/powerepos' });
    const json = { svc: 'http://127.0.0.1:1/region' };
    expect(account.usage({ accessToken: 't', tokenType: 'Bearer', json, claims: {} })).toMatchObject({
      baseUrl: json.svc,
    });
    expect(usage(json)).toBe('service_uri_refused');
  });

  it.each([{}, { svc: '' }, { svc: null }, { svc: 7 }, { svc: [svc] }])('%j is refused', json => {
    expect(usage(json)).toBe('malformed_answer');
  });
});

describe('the organisation', () => {
  it.each([
    [{ org_id: 'ORG-OTHER' }, {}],
    [{}, { org_id: 'ORG-OTHER' }],
    [{ org_id: orgId }, { org_id: 'ORG-OTHER' }],
    [{ org_id: 'ORG-OTHER' }, { org_id: orgId }],
    [{ org_id: '' }, {}],
  ])('of body %j and claims %j is not the requested one', (json, claims) => {
    expect(usage({ svc, ...json }, claims)).toBe('organisation_mismatch');
  });

  it('may be left out, and may be a number', () => {
    expect(usage({ svc })).toMatchObject({ baseUrl: svc });
    const account = accountOf(id, { orgId: '42' });
    const answer = { accessToken: 't', tokenType: 'Bearer', json: { svc, org_id: 42 }, claims: {} };
    expect(account.usage(answer)).toMatchObject({ baseUrl: svc });
  });
});

it('requests the scope of the secret, or a refresh token if it has none', () => {
  const scopeOf = (changes: Record<string, unknown>) =>
    new URLSearchParams(accountOf(id, changes).logIn().body).get('scope');
  expect(scopeOf({})).toBe('partnerservices offline_access');
  expect(scopeOf({ scope: 'partnerservices' })).toBe('partnerservices');
});
