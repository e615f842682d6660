import { idOf } from '../../../local/simulators/accounts.ts';
import type { Desk, Simulation } from '../../../local/simulators/kit.ts';
import { bearerOf, inSeconds, json, jsonOf, oauthError } from '../../../local/simulators/wire.ts';
import { type EpochMs, hours, plus } from '../../core/types.ts';

const LIFETIME = hours(24);

/** Both tokens of a session end with it, however often they are refreshed. */
const grant = (desk: Desk, account: string, endsAt: EpochMs, family: string) => {
  const times = { iat: inSeconds(desk.now), exp: inSeconds(endsAt) };
  const accessToken = desk.jwt({ ...times, typ: 'Bearer', session_state: family });
  const refreshToken = desk.jwt({ ...times, typ: 'Refresh', session_state: family });
  desk.issue(accessToken, { account, family, expiresAt: endsAt });
  desk.hold(refreshToken, { account, family, endsAt });
  const left = inSeconds(endsAt - desk.now);
  return json(200, {
    access_token: accessToken,
    expires_in: left,
    refresh_expires_in: left,
    refresh_token: refreshToken,
    token_type: 'bearer',
    'not-before-policy': 0,
    session_state: family,
    scope: 'email profile',
  });
};

const failure = (message: string) =>
  json(500, { success: false, data: [], message, http_code: 500, errors: [], total: null });

/** Echoes the token, as the provider does. */
const badToken = (token: string) => {
  const parts = token.split('.').length;
  return parts === 3
    ? failure(`Token is not active Token: ${token}`)
    : failure(`JWT missing parts. Total number of parts: ${parts} Token: ${token}`);
};

export const simulation: Simulation = {
  rotates: true,
  routes: {
    'POST /v1/auth/token': (desk, request) => {
      const body = jsonOf(request);
      if (typeof body?.login !== 'string' || typeof body.password !== 'string') {
        return oauthError(400, 'invalid_request', 'login and password are needed');
      }
      const account = desk.find({ login: body.login, password: body.password });
      if (!account) return oauthError(401, 'invalid_grant', 'Invalid user credentials');
      if (account.trait === 'restricted') {
        return failure(`Provider ${account.name} can't implement operation due restrictions.`);
      }
      return grant(desk, idOf(account), plus(desk.now, desk.scaled(LIFETIME)), desk.opaque());
    },
    'POST /v1/auth/refresh_token': (desk, request) => {
      const token = jsonOf(request)?.refresh_token;
      if (typeof token !== 'string') return oauthError(400, 'invalid_request', 'refresh_token is needed');
      const session = desk.spend(token);
      return session ? grant(desk, session.account, session.endsAt, session.family) : badToken(token);
    },
  },
  admit: bearerOf,
};
