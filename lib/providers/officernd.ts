import * as z from 'zod';
import type { TokenAnswer } from '../core/provider.ts';
import { hours, minutes } from '../core/types.ts';
import { defineProvider } from './define.ts';
import { baseUrlOverride, text } from './fields.ts';
import { bearer, joinUrl, postForm } from './request.ts';

const secret = z.object({
  clientId: text('the client id of your OfficeRnD application'),
  clientSecret: text('the client secret that OfficeRnD shows once when the application is made'),
  scope: text('the scopes that the application holds, with spaces between them'),
  organizationSlug: text('the slug of the organization, as in the address of its OfficeRnD pages').optional(),
  baseUrl: baseUrlOverride,
});
type Credentials = z.output<typeof secret>;

const apiBase = (c: Credentials): string => {
  const api = joinUrl(c.baseUrl ?? 'https://app.officernd.com', 'api/v1');
  return c.organizationSlug === undefined ? api : `${api}/organizations/${encodeURIComponent(c.organizationSlug)}`;
};

/** RFC 6749 §5.1: an answer without `scope` granted what was asked for. */
const isNarrowed = (c: Credentials, { json }: TokenAnswer): boolean => {
  if (typeof json.scope !== 'string') return false;
  const granted = new Set(json.scope.split(/\s+/));
  return c.scope.split(/\s+/).some(scope => scope !== '' && !granted.has(scope));
};

/**
 * OfficeRnD: client credentials (RFC 6749 §4.4) in the body. Five token requests a minute, the failed ones counted;
 * what they are counted by is not said, most likely the caller's address, so that all connections share the budget.
 * Source: OfficeRnD developer documentation; the rate and the API's address from public clients.
 */
export const officernd = defineProvider({
  id: 'officernd',
  title: 'OfficeRnD',
  hosts: ['identity.officernd.com', 'app.officernd.com'],
  lifetime: hours(1),
  expiresIn: 'seconds',
  rateLimit: { calls: 5, per: minutes(1) },
  concurrency: 1,
  secret,
  logIn: c =>
    postForm(joinUrl(c.baseUrl ?? 'https://identity.officernd.com', 'oauth/token'), {
      grant_type: 'client_credentials',
      client_id: c.clientId,
      client_secret: c.clientSecret,
      scope: c.scope,
    }),
  usage: (c, answer) => ({
    headers: { Authorization: bearer(answer.accessToken) },
    baseUrl: apiBase(c),
    ...(isNarrowed(c, answer) && { warnings: ['scope_narrowed'] }),
  }),
});
