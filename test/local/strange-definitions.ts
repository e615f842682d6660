import { providerFromData } from '../../lib/definition/from-file.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import type { DefinitionFile } from '../../lib/definition/schema.ts';

/** Invented definitions with features that the built-in ones lack, each as strange as the format allows. */

const common = {
  source: 'made up',
  lifetime: '30m',
  base: 'https://login.strange.example',
  hosts: ['*.strange.example'] as string[],
  consumer: { baseUrl: '{base}/api' },
} as const;
const client = { clientId: { purpose: 'the client id' }, clientSecret: { purpose: 'the client secret' } } as const;

/** As their files have them. */
export const strangeFiles: readonly DefinitionFile[] = [
  ...(['RS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const).map(
    (algorithm): DefinitionFile => ({
      ...common,
      id: `signed-${algorithm.toLowerCase()}`,
      title: `Signs with ${algorithm}`,
      fields: {
        clientId: { purpose: 'the client id' },
        tenant: { purpose: 'the tenant' },
        key: { purpose: 'the private key', privateKey: true },
      },
      assertion: {
        algorithm,
        key: 'key',
        header: { kid: '{clientId}' },
        claims: { iss: '{clientId}', aud: '{base}/{tenant}/token', nested: { of: ['{clientId}', 1] } },
      },
      login: {
        url: '{base}/{tenant}/token',
        form: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: '{assertion}' },
      },
    }),
  ),
  {
    ...common,
    id: 'handed-in',
    title: 'A first refresh token that a person hands in',
    fields: { ...client, refreshToken: { purpose: 'the first refresh token' } },
    redeem: { field: 'refreshToken' },
    refresh: {
      url: '{base}/token',
      basic: { user: '{clientId}', password: '{clientSecret}', encoded: true },
      form: { grant_type: 'refresh_token', refresh_token: '{refreshToken}' },
    },
    sessionOf: ['clientId'],
    answer: { sessionEnd: [{ after: '60d' }] },
    consumer: { headers: { 'X-Token': '{token}', 'X-Realm': '{answer.realm}' }, baseUrl: '{answer.urls.api}/v3' },
  },
  {
    ...common,
    id: 'lasting',
    title: 'A refresh token that never changes, as one of the credentials',
    fields: { ...client, refreshToken: { purpose: 'the refresh token' } },
    login: {
      url: '{base}/token',
      form: { grant_type: 'refresh_token', client: '{clientId}:{clientSecret}', refresh_token: '{refreshToken}' },
    },
  },
  {
    ...common,
    id: 'nested-dates',
    title: 'JSON in two steps, with dates in nested answers',
    fields: { ...client, orgId: { purpose: 'the organisation', optional: true }, user: { purpose: 'the user' } },
    login: [
      { url: '{base}/sessions', json: { app: { id: '{clientId}', secret: '{clientSecret}', tags: ['{orgId}', 'x'] } } },
      { method: 'PUT', url: '{base}/sessions/{answer.session.id}', json: { user: '{user}', on: true, level: 2 } },
    ],
    answer: { token: 'data.token', expiry: { path: 'data.until', as: 'date' } },
    match: { 'data.user': 'user' },
    consumer: { headers: { Authorization: 'Token {token}' }, baseUrl: ['{answer.data.url}', '{base}'] },
    errors: [
      {
        status: 200,
        lacks: ['data'],
        has: ['fault'],
        equals: { 'fault.code': 17 },
        means: 'refused',
        code: 'invalid_grant',
      },
      { status: 401, means: 'rejected', code: 'access_refused' },
    ],
  },
  {
    ...common,
    id: 'by-query',
    title: 'GET with a query, a shared limit, and no expiry',
    fields: { ...client, account: { purpose: 'the account' } },
    login: {
      method: 'GET',
      url: '{base}/{account}/token',
      query: { version: '2', id: '{clientId}', secret: '{clientSecret}' },
    },
    answer: { expiry: 'never stated' },
    rateLimit: { calls: 3, per: '10s', sharedBy: 'account' },
  },
  {
    ...common,
    id: 'keycloak-like',
    title: 'Sessions whose end is stated in each form',
    fields: { ...client, password: { purpose: 'the password' } },
    login: {
      url: '{base}/token',
      form: { grant_type: 'password', client: '{clientId}:{clientSecret}', p: '{password}' },
    },
    refresh: { url: '{base}/token', form: { grant_type: 'refresh_token', client: '{clientId}', r: '{refreshToken}' } },
    sessionOf: ['clientId'],
    answer: {
      expiry: { path: 'expires_at', as: 'epochMilliseconds' },
      sessionEnd: [
        { claim: 'session_exp', as: 'epochSeconds' },
        { path: 'session_ms', as: 'milliseconds' },
      ],
    },
    match: { org: 'clientId' },
    consumer: { baseUrl: ['{claims.svc}', '{answer.svc}'] },
  },
  {
    ...common,
    id: 'revoking',
    title: 'Sessions that are revoked',
    fields: client,
    login: { url: '{base}/token', form: { client: '{clientId}', secret: '{clientSecret}' } },
    refresh: { url: '{base}/token', form: { grant_type: 'refresh_token', client: '{clientId}', r: '{refreshToken}' } },
    sessionOf: ['clientId'],
    revoke: { url: '{base}/revoke', form: { token: '{token}' } },
    consumer: { baseUrl: '{base}/api' },
  },
];

export const strangeProviders: readonly DefinedProvider[] = strangeFiles.map(each => providerFromData(each));
