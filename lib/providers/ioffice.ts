import * as z from 'zod';
import { fitsHeader } from '../core/limits.ts';
import type { HttpRequest } from '../core/provider.ts';
import { hours, minutes } from '../core/types.ts';
import { defineProvider } from './define.ts';
import { apiBaseUrl, baseUrl, headerText } from './fields.ts';
import { joinUrl, postHeaders } from './request.ts';

/** Asked even where other fields are wrong, so that everything that is missing is said at once. */
const loginNeeds = (field: 'username' | 'password') => ({
  path: [field],
  error: 'is missing: add "username" and "password" of a service login, or "authorizationCode" in their place',
  when: () => true,
});

const secret = z
  .object({
    baseUrl: baseUrl('the address of the customer’s iOFFICE site'),
    apiBaseUrl,
    clientId: headerText('the client id of your application'),
    redirectUri: headerText('the redirect URI that the application is registered with'),
    scope: headerText('the scope that the application may ask for'),
    username: headerText('the user name of a service login').default(''),
    password: headerText('the password of the service login').default(''),
    authorizationCode: headerText('the code that a person got by logging in at the site').default(''),
  })
  .refine(c => c.username || c.authorizationCode, loginNeeds('username'))
  .refine(c => c.password || c.authorizationCode, loginNeeds('password'));
type Credentials = z.output<typeof secret>;

const url = (base: string, step: 'auth' | 'token' | 'revoke') => joinUrl(base, `external/api/oauth2/${step}`);

/** A login that can be repeated is worth more than a code that cannot. */
const oneTimeCode = (c: Credentials): string | undefined =>
  c.username && c.password ? undefined : c.authorizationCode;

const codeRequest = (c: Credentials): HttpRequest =>
  postHeaders(url(c.baseUrl, 'auth'), {
    'Content-Type': 'application/json',
    'x-auth-username': c.username,
    'x-auth-password': c.password,
    'x-client-id': c.clientId,
    'x-scope': c.scope,
  });

const tokenRequest = (c: Credentials, grantType: string, grant: Record<string, string>): HttpRequest =>
  postHeaders(url(c.baseUrl, 'token'), {
    'x-grant-type': grantType,
    'x-redirect-uri': c.redirectUri,
    'x-client-id': c.clientId,
    'x-scope': c.scope,
    ...grant,
  });

const redeem = (c: Credentials, code: string) => tokenRequest(c, 'authorization_code', { 'x-auth-code': code });

/**
 * iOFFICE: a code for a service login and a token for the code, all in headers; or, in the browser variant, a token for
 * the code that a person handed in. `expires_in` is in milliseconds, and refresh tokens rotate. Source: iOFFICE API
 * documentation; revoking with GET from a public client. How long a token lives is not documented: an hour is assumed
 * where an answer does not say.
 */
export const ioffice = defineProvider({
  id: 'ioffice',
  title: 'iOFFICE',
  // Sites of customers, from public clients.
  hosts: ['*.iofficeconnect.com'],
  lifetime: hours(1),
  codeLifetime: minutes(5),
  expiresIn: 'milliseconds',
  concurrency: 4,
  secret,
  lockable: c => (c.username && c.password ? { user: c.username, password: c.password } : undefined),
  oneTimeCode,
  logIn: c => {
    const code = oneTimeCode(c);
    return code === undefined ? codeRequest(c) : redeem(c, code);
  },
  exchange: (c, { code }) => (typeof code === 'string' && fitsHeader(code) ? redeem(c, code) : undefined),
  session: {
    refresh: (c, refreshToken) => tokenRequest(c, 'refresh_token', { 'x-refresh-token': refreshToken }),
    // A user name that no login uses does not name the client.
    client: c => [c.clientId, c.redirectUri, oneTimeCode(c) === undefined ? c.username : ''],
  },
  usage: (c, { accessToken, json }) =>
    // The next refresh sends it in a header.
    typeof json.refresh_token === 'string' && json.refresh_token !== '' && !fitsHeader(json.refresh_token)
      ? 'malformed_answer'
      : { headers: { 'x-access-token': accessToken }, baseUrl: c.baseUrl },
  revoke: (base, token) => ({
    method: 'GET',
    url: url(base, 'revoke'),
    headers: { accept: 'application/json', 'x-token': token },
  }),
});
