import { describe, expect, it } from 'vitest';
import { accountOf, fixturesOf, jwt } from './fixtures.ts';

const id = 'powerepos';
const { orgId } = fixturesOf(id).secret;
const svc = 'https://region-a.example.com/partner';
const usage = (json: Record<string, unknown>, claims: Record<string, unknown> = {}) =>
  accountOf(id).usage({ accessToken: jwt(claims), tokenType: 'Bearer', json, claims });

describe('the service address', () => {
  it('is the claim of the token, and the field of the body only where there is none', () => {
    expect(usage({ svc: 'https://stale.example.com' }, { svc })).toMatchObject({ baseUrl: svc });
    expect(usage({ svc: `${svc}/` })).toMatchObject({ baseUrl: svc });
  });

  it('does not follow `baseUrl`: a token works where it says, and nowhere else', () => {
    const account = accountOf(id, { baseUrl: 'https://proxy.example.com' });
    expect(account.usage({ accessToken: 't', tokenType: 'Bearer', json: { svc }, claims: {} })).toMatchObject({
      baseUrl: svc,
    });
  });

  it.each([
    'http://region-a.example.com',
    'region-a.example.com',
    'ftp://127.0.0.1',
    'https://u:p@example.com',
    `${svc}?a`,
  ])('%s is refused', address => {
    expect(usage({ svc: address })).toBe('service_uri_refused');
    expect(usage({ svc }, { svc: address })).toBe('service_uri_refused');
  });

  it('may be on loopback without TLS', () => {
    expect(usage({ svc: 'http://127.0.0.1:1/region' })).toMatchObject({ baseUrl: 'http://127.0.0.1:1/region' });
  });

  it.each([{}, { svc: '' }, { svc: null }, { svc: 7 }, { svc: [svc] }])('%j is no answer', json => {
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
  ])('of body %j and claims %j is not the one asked for', (json, claims) => {
    expect(usage({ svc, ...json }, claims)).toBe('organisation_mismatch');
  });

  it('may be left out, and may be a number', () => {
    expect(usage({ svc })).toMatchObject({ baseUrl: svc });
    const account = accountOf(id, { orgId: '42' });
    const answer = { accessToken: 't', tokenType: 'Bearer', json: { svc, org_id: 42 }, claims: {} };
    expect(account.usage(answer)).toMatchObject({ baseUrl: svc });
  });
});

it('asks for the scope of the secret, and for a refresh token where it says nothing', () => {
  const scopeOf = (changes: Record<string, unknown>) =>
    new URLSearchParams(accountOf(id, changes).logIn().body).get('scope');
  expect(scopeOf({})).toBe('partnerservices offline_access');
  expect(scopeOf({ scope: 'partnerservices' })).toBe('partnerservices');
});
