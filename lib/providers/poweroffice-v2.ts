import * as z from 'zod';
import { minutes, seconds } from '../core/types.ts';
import { defineProvider } from './define.ts';
import { baseUrlOverride, basicUser, environment, headerText, text } from './fields.ts';
import { basic, bearer, joinUrl, postForm } from './request.ts';

const secret = z.object({
  appKey: basicUser('the application key of your PowerOffice Go integration'),
  clientKey: text('the client key that the customer got for your integration'),
  subscriptionKey: headerText('the subscription key of your PowerOffice Go integration'),
  environment,
  baseUrl: baseUrlOverride,
});
type Credentials = z.output<typeof secret>;

const bases = { demo: 'https://goapi.poweroffice.net/Demo', production: 'https://goapi.poweroffice.net' };
const base = (c: Credentials): string => c.baseUrl ?? bases[c.environment];

/**
 * PowerOffice Go API v2: client credentials (RFC 6749 §4.4) with HTTP Basic and a subscription key, which every call of
 * the API needs as well. No refresh token. Source: PowerOffice Go documentation; the header's name, the production
 * address and the rate from public clients.
 */
export const powerofficeV2 = defineProvider({
  id: 'poweroffice-v2',
  title: 'PowerOffice Go API v2',
  hosts: ['goapi.poweroffice.net'],
  lifetime: minutes(20),
  expiresIn: 'seconds',
  rateLimit: { calls: 10, per: seconds(1) },
  limitShared: c => c.subscriptionKey,
  concurrency: 4,
  secret,
  logIn: c =>
    postForm(
      joinUrl(base(c), 'OAuth/Token'),
      { grant_type: 'client_credentials' },
      { Authorization: basic(c.appKey, c.clientKey), 'Ocp-Apim-Subscription-Key': c.subscriptionKey },
    ),
  usage: (c, { accessToken }) => ({
    headers: { Authorization: bearer(accessToken), 'Ocp-Apim-Subscription-Key': c.subscriptionKey },
    baseUrl: joinUrl(base(c), 'v2'),
  }),
  // A 401 of the API gateway, which stands before the OAuth server and knows the subscription key only.
  fault: ({ status, json }) =>
    status === 401 && json.error === undefined && (json.statusCode !== undefined || json.message !== undefined)
      ? { kind: 'refused', code: 'subscription_key_refused' }
      : undefined,
});
