import { simulatedIdOf } from '../../../local/simulators/accounts.ts';
import type { FakeAuthServer, Simulation } from '../../../local/simulators/kit.ts';
import { bearerOf, inSeconds, json, jsonOf, oauthError } from '../../../local/simulators/wire.ts';
import { type EpochMs, hours, plus } from '../../core/types.ts';

const LIFETIME = hours(24);

/** Both tokens of a session end with it, however often they are refreshed. */
const grant = (server: FakeAuthServer, account: string, endsAt: EpochMs, family: string) => {
  const times = { iat: inSeconds(server.now), exp: inSeconds(endsAt) };
  const accessToken = server.jwt({ ...times, typ: 'Bearer', session_state: family });
  const refreshToken = server.jwt({ ...times, typ: 'Refresh', session_state: family });
  server.issue(accessToken, { account, family, expiresAt: endsAt });
  server.hold(refreshToken, { account, family, endsAt });
  const left = inSeconds(endsAt - server.now);
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
    'POST /v1/auth/token': (server, request) => {
      const body = jsonOf(request);
      if (typeof body?.login !== 'string' || typeof body.password !== 'string') {
        return oauthError(400, 'invalid_request', 'login and password are needed');
      }
      const account = server.find({ login: body.login, password: body.password });
      if (!account) return oauthError(401, 'invalid_grant', 'Invalid user credentials');
      if (account.trait === 'restricted') {
        return failure(`Provider ${account.name} can't implement operation due restrictions.`);
      }
      return grant(server, simulatedIdOf(account), plus(server.now, server.scaled(LIFETIME)), server.opaque());
    },
    'POST /v1/auth/refresh_token': (server, request) => {
      const token = jsonOf(request)?.refresh_token;
      if (typeof token !== 'string') return oauthError(400, 'invalid_request', 'refresh_token is needed');
      const session = server.spend(token);
      return session ? grant(server, session.account, session.endsAt, session.family) : badToken(token);
    },
  },
  admit: bearerOf,
};
