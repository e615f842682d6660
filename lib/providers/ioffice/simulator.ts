import { type SimulatedAccount, simulatedIdOf } from '../../../local/simulators/accounts.ts';
import type { FakeAuthServer, SimulatedRequest, Simulation } from '../../../local/simulators/kit.ts';
import { json } from '../../../local/simulators/wire.ts';
import { hours, minutes, plus } from '../../core/types.ts';

const LIFETIME = hours(4);
const CODE = minutes(5);
/** Not documented: long enough to outlive many access tokens. */
const SESSION = hours(24 * 30);

/** camelCase, unlike the standard's. */
const failure = (status: number, error: string, errorDescription: string) => json(status, { error, errorDescription });

const offer = (server: FakeAuthServer, account: SimulatedAccount, scope: string): string => {
  const code = server.opaque();
  server.offer(code, {
    account: simulatedIdOf(account),
    family: code,
    scope,
    expiresAt: plus(server.now, server.scaled(CODE)),
  });
  return code;
};

const grant = (server: FakeAuthServer, account: string, family: string) => {
  const accessToken = server.opaque();
  const refreshToken = server.opaque();
  server.issue(accessToken, { account, family, expiresAt: plus(server.now, server.scaled(LIFETIME)) });
  server.hold(refreshToken, { account, family, endsAt: plus(server.now, server.scaled(SESSION)) });
  return json(200, {
    token_type: 'bearer',
    access_token: accessToken,
    // Milliseconds, unlike all other providers.
    expires_in: Math.round(server.scaled(LIFETIME)),
    refresh_token: refreshToken,
  });
};

const codeStep = (server: FakeAuthServer, { headers }: SimulatedRequest) => {
  if (headers['content-type'] !== 'application/json') return failure(400, 'invalid_request', 'Content-Type');
  const scope = headers['x-scope'];
  if (!server.find({ clientId: headers['x-client-id'] })) return failure(401, 'invalid_client', 'x-client-id');
  const account = server.find({
    clientId: headers['x-client-id'],
    username: headers['x-auth-username'],
    password: headers['x-auth-password'],
  });
  if (!account) return failure(401, 'invalid_grant', 'The user is not known or the password is wrong');
  return scope !== undefined && scope === account.fields.scope
    ? json(200, { code: offer(server, account, scope) })
    : failure(400, 'invalid_scope', 'x-scope');
};

const tokenStep = (server: FakeAuthServer, { headers }: SimulatedRequest) => {
  const account = server.find({ clientId: headers['x-client-id'], redirectUri: headers['x-redirect-uri'] });
  if (!account) return failure(401, 'invalid_client', 'x-client-id and x-redirect-uri do not belong together');
  if (headers['x-scope'] !== account.fields.scope) return failure(400, 'invalid_scope', 'x-scope');
  const grantType = headers['x-grant-type'];
  if (grantType === 'refresh_token') {
    const session = server.spend(headers['x-refresh-token'], account);
    return session ? grant(server, session.account, session.family) : failure(400, 'invalid_grant', 'x-refresh-token');
  }
  if (grantType !== 'authorization_code') return failure(400, 'unsupported_grant_type', 'x-grant-type');
  const code = server.redeem(headers['x-auth-code']);
  return code?.account === simulatedIdOf(account) && code.scope === headers['x-scope']
    ? grant(server, code.account, code.family)
    : failure(400, 'invalid_grant', 'x-auth-code');
};

/** The browser variant, as if the person had logged in at once: the fragment of the redirect holds the code. */
const loginPage = (server: FakeAuthServer, { path }: SimulatedRequest) => {
  const query = new URL(path, server.url).searchParams;
  const field = (name: string) => query.get(name) ?? undefined;
  const redirectUri = field('redirect_uri');
  const account = server.find({ clientId: field('client_id'), redirectUri, scope: field('scope') });
  if (!account || query.get('response_type') !== 'code') return failure(400, 'invalid_request', 'login.html');
  const fragment = new URLSearchParams({ code: offer(server, account, account.fields.scope ?? ''), appCode: '1' });
  const state = field('state');
  if (state !== undefined) fragment.set('state', state);
  return { status: 302, headers: { location: `${redirectUri}#${fragment}` }, body: '' };
};

export const simulation: Simulation = {
  rotates: true,
  routes: {
    'POST /external/api/oauth2/auth': codeStep,
    'POST /external/api/oauth2/token': tokenStep,
    'GET /external/api/oauth2/revoke': (server, { headers }) => {
      const family = server.familyOf(headers['x-token']);
      if (family !== undefined) server.kill(family);
      return json(200, {});
    },
    'GET /login.html': loginPage,
  },
  admit: (server, { headers }) => server.valid(headers['x-access-token']),
};
