import * as z from 'zod';
import { hours } from '../core/types.ts';
import { defineProvider } from './define.ts';
import { baseUrlOverride, parseBaseUrl, text } from './fields.ts';
import { bearer, joinUrl, postForm } from './request.ts';

const secret = z.object({
  clientId: text('the client id of your PowerEPOS integration'),
  clientSecret: text('the client secret of your PowerEPOS integration'),
  orgId: text('the code of the organisation'),
  username: text('the user name of a service account (the e-mail login of a person is refused)'),
  password: text('the password of the service account'),
  scope: text('the scopes, with spaces between them').default('partnerservices offline_access'),
  baseUrl: baseUrlOverride,
});
type Credentials = z.output<typeof secret>;

const tokenRequest = (c: Credentials, fields: Record<string, string>) =>
  postForm(joinUrl(c.baseUrl ?? 'https://auth.powerepos.cloud', 'authorisation/token'), {
    ...fields,
    client_id: c.clientId,
    client_secret: c.clientSecret,
    org_id: c.orgId,
    scope: c.scope,
  });

/**
 * PowerEPOS Partner Services: the password grant (RFC 6749 §4.3) of a service account. Each token names the one service
 * address (`svc`) that it works at. Source: PowerEPOS partner documentation; the claims from public clients. Whether a
 * refresh needs `org_id` and `scope` is not documented: they are sent again.
 */
export const powerepos = defineProvider({
  id: 'powerepos',
  title: 'PowerEPOS Partner Services',
  // The hosts of service addresses are not documented: those below the domain of the token endpoint.
  hosts: ['*.powerepos.cloud'],
  lifetime: hours(8),
  expiresIn: 'seconds',
  concurrency: 4,
  secret,
  lockable: c => ({ user: c.username, password: c.password }),
  logIn: c => tokenRequest(c, { grant_type: 'password', username: c.username, password: c.password }),
  session: {
    refresh: (c, refreshToken) => tokenRequest(c, { grant_type: 'refresh_token', refresh_token: refreshToken }),
    client: c => [c.clientId, c.orgId, c.username],
  },
  usage: (c, { accessToken, json, claims }) => {
    const isOther = (organisation: unknown) =>
      typeof organisation === 'number' ? String(organisation) !== c.orgId : (organisation ?? c.orgId) !== c.orgId;
    if (isOther(claims.org_id) || isOther(json.org_id)) return 'organisation_mismatch';
    // The claim is part of the token, so that it cannot belong to another one: it decides, the body only stands in.
    const service = claims.svc ?? json.svc;
    if (typeof service !== 'string' || service === '') return 'malformed_answer';
    const baseUrl = parseBaseUrl(service);
    return baseUrl === undefined ? 'service_uri_refused' : { headers: { Authorization: bearer(accessToken) }, baseUrl };
  },
});
