import { describe, expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import { answer } from '../kit/vendor.ts';
import { accountOf, exchangeWith, provider } from './fixtures.ts';

const id = 'officernd';
const usage = (changes: Record<string, unknown>, json: Record<string, unknown> = {}) =>
  accountOf(id, changes).usage({ accessToken: 't', tokenType: 'Bearer', json, claims: {} });

it.each([
  [{ organizationSlug: undefined }, 'https://app.officernd.com/api/v1'],
  [{ scope: 'flex.community.read' }, 'https://app.officernd.com/api/v2/organizations/made-up-desks'],
  [{ apiVersion: 'v2' }, 'https://app.officernd.com/api/v2/organizations/made-up-desks'],
  [{ scope: 'flex.read', apiVersion: 'v1', organizationSlug: undefined }, 'https://app.officernd.com/api/v1'],
  [{ organizationSlug: 'a b/c' }, 'https://app.officernd.com/api/v1/organizations/a%20b%2Fc'],
  [{ baseUrl: 'http://127.0.0.1:9/' }, 'http://127.0.0.1:9/api/v1/organizations/made-up-desks'],
  [{ baseUrl: 'http://127.0.0.1:9', organizationSlug: undefined }, 'http://127.0.0.1:9/api/v1'],
])('with %j its API is at %s', (changes, baseUrl) => {
  expect(usage(changes)).toEqual({ headers: { Authorization: 'Bearer t' }, baseUrl });
});

describe('the scope of an answer', () => {
  it.each([
    ['officernd.api.read', ['scope_narrowed']],
    ['', ['scope_narrowed']],
    ['officernd.api.write officernd.api.read', undefined],
    ['officernd.api.read  officernd.api.write officernd.more', undefined],
    [undefined, undefined],
  ])('%j warns %j', (scope, warnings) => {
    expect((usage({}, { scope }) as { warnings?: unknown }).warnings).toEqual(warnings);
  });

  it('causes a warning, and the token is still published', () => {
    const outcome = interpret(
      exchangeWith(id),
      answer({ access_token: 't', expires_in: 3599, scope: 'officernd.api.read' }),
    );
    expect(outcome).toMatchObject({ kind: 'granted', warnings: ['scope_narrowed'] });
  });
});

it('shares one budget between all connections: five calls a minute', () => {
  expect(provider(id).rateLimit).toEqual({ calls: 5, per: 60_000 });
  expect(accountOf(id).limitKey).toBe(accountOf(id, { clientId: 'another' }).limitKey);
});
