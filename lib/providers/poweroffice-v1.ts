import * as z from 'zod';
import { minutes, seconds } from '../core/types.ts';
import { defineProvider } from './define.ts';
import { baseUrlOverride, basicUser, environment, headerText, text } from './fields.ts';
import { basic, bearer, joinUrl, postForm } from './request.ts';

const secret = z.object({
  appKey: basicUser('the application key of your PowerOffice Go integration'),
  clientKey: text('the client key that the customer got for your integration'),
  subscriptionKey: headerText('the subscription key of your integration').optional(),
  environment,
  baseUrl: baseUrlOverride,
});
type Credentials = z.output<typeof secret>;

const bases = { demo: 'https://api-demo.poweroffice.net', production: 'https://api.poweroffice.net' };
const base = (c: Credentials): string => c.baseUrl ?? bases[c.environment];

const subscription = (c: Credentials): Record<string, string> =>
  c.subscriptionKey === undefined ? {} : { 'Ocp-Apim-Subscription-Key': c.subscriptionKey };

const tokenRequest = (c: Credentials, fields: Record<string, string>) =>
  postForm(joinUrl(base(c), 'OAuth/Token'), fields, {
    Authorization: basic(c.appKey, c.clientKey),
    ...subscription(c),
  });

/**
 * PowerOffice Go API v1: client credentials (RFC 6749 §4.4) with HTTP Basic. Only integrations from before March 2024
 * get a refresh token. Source: PowerOffice Go documentation; the production address and the rate from public clients.
 */
export const powerofficeV1 = defineProvider({
  id: 'poweroffice-v1',
  title: 'PowerOffice Go API v1',
  hosts: ['api.poweroffice.net', 'api-demo.poweroffice.net'],
  lifetime: minutes(10),
  expiresIn: 'seconds',
  rateLimit: { calls: 50, per: seconds(1) },
  limitShared: c => c.appKey,
  concurrency: 10,
  secret,
  logIn: c => tokenRequest(c, { grant_type: 'client_credentials' }),
  session: {
    refresh: (c, refreshToken) => tokenRequest(c, { grant_type: 'refresh_token', refresh_token: refreshToken }),
    client: c => [c.appKey, c.clientKey],
  },
  usage: (c, { accessToken }) => ({
    headers: { Authorization: bearer(accessToken), ...subscription(c) },
    baseUrl: base(c),
  }),
});
