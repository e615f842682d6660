import * as z from 'zod';
import type { Fault, Grant, TokenAnswer } from '../core/provider.ts';
import { type EpochMs, epochMs, hours, plus, seconds } from '../core/types.ts';
import { defineProvider } from './define.ts';
import { apiBaseUrl, baseUrlOverride, text } from './fields.ts';
import { bearer, joinUrl, postJson } from './request.ts';

const secret = z.object({
  login: text('the login of the API user in CStoreOffice'),
  password: text('the password of the API user (it may have expired after 90 days)'),
  baseUrl: baseUrlOverride,
  apiBaseUrl,
});
type Credentials = z.output<typeof secret>;

const base = (c: Credentials): string => c.baseUrl ?? 'https://device-gateway-api.petrosoft.cloud';

/** The text is only matched, never kept: it may echo the token. */
const fault = (json: Readonly<Record<string, unknown>>, grant: Grant): Fault | undefined => {
  const message = typeof json.message === 'string' ? json.message : '';
  if (json.success !== false) return undefined;
  if (grant === 'refresh' && /\b(jwt|token)\b/i.test(message)) return { kind: 'refused', code: 'session_refused' };
  if (grant === 'full' && /can.?t implement operation/i.test(message))
    return { kind: 'rejected', code: 'account_restricted' };
  return undefined;
};

const positive = (value: unknown): number | undefined => {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined;
};

/** A refresh does not extend the session, so that a session without an end of its own ends with its access token. */
const sessionEnds = ({ json, claims }: TokenAnswer, sentAt: EpochMs): EpochMs | undefined => {
  const after = (lifetime: unknown) => {
    const length = positive(lifetime);
    return length === undefined ? undefined : plus(sentAt, seconds(length));
  };
  const expiry = positive(claims.exp);
  return after(json.refresh_expires_in) ?? (expiry === undefined ? after(json.expires_in) : epochMs(seconds(expiry)));
};

/**
 * Petrosoft CStoreOffice: login with JSON, a Keycloak behind it. `expires_in` is in seconds, whatever the table of the
 * documentation says: its own example token lives 86400 of them. Source: Petrosoft API documentation; the address from
 * a public script.
 */
export const petrosoft = defineProvider({
  id: 'petrosoft',
  title: 'Petrosoft CStoreOffice',
  // The API has addresses below the domain of the token endpoint.
  hosts: ['*.petrosoft.cloud'],
  lifetime: hours(24),
  expiresIn: 'seconds',
  concurrency: 4,
  secret,
  lockable: c => ({ user: c.login, password: c.password }),
  logIn: c => postJson(joinUrl(base(c), 'v1/auth/token'), { login: c.login, password: c.password }),
  session: {
    refresh: (c, refreshToken) => postJson(joinUrl(base(c), 'v1/auth/refresh_token'), { refresh_token: refreshToken }),
    client: c => [c.login],
  },
  usage: (c, { accessToken }) => ({ headers: { Authorization: bearer(accessToken) }, baseUrl: base(c) }),
  fault: ({ status, json }, grant) => (status === 500 ? fault(json, grant) : undefined),
  sessionEnds,
});
