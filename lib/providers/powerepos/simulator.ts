import { type SimulatedAccount, simulatedIdOf } from '../../../local/simulators/accounts.ts';
import type { FakeAuthServer, Held, Simulation } from '../../../local/simulators/kit.ts';
import { bearerOf, formOf, inSeconds, json, oauthError, pathOf } from '../../../local/simulators/wire.ts';
import { hours, plus } from '../../core/types.ts';

const LIFETIME = hours(8);
/** Not documented: long enough to outlive many access tokens. */
const SESSION = hours(24 * 30);

const grant = (server: FakeAuthServer, account: SimulatedAccount, scope: string, session?: Held) => {
  const owner = simulatedIdOf(account);
  // Every token is valid in its own region only: a client that uses the last token's address fails.
  const below = `/region-${server.serial}`;
  const svc = `${server.url}${below}`;
  const expiresAt = plus(server.now, server.scaled(LIFETIME));
  const times = { iat: inSeconds(server.now), exp: inSeconds(expiresAt) };
  const accessToken = server.jwt({ ...times, svc, org_id: account.fields.orgId });
  const family = session?.family ?? accessToken;
  server.issue(accessToken, { account: owner, family, expiresAt, below });
  const answer = {
    token_type: 'Bearer',
    access_token: accessToken,
    expires_in: inSeconds(server.scaled(LIFETIME)),
    svc,
    org_id: account.fields.orgId,
  };
  if (!scope.split(' ').includes('offline_access')) return json(200, answer);
  const refreshToken = `${server.opaque()}${server.opaque()}`;
  server.hold(refreshToken, { account: owner, family, endsAt: plus(server.now, server.scaled(SESSION)) });
  return json(200, { ...answer, refresh_token: refreshToken });
};

export const simulation: Simulation = {
  rotates: true,
  routes: {
    'POST /authorisation/token': (server, request) => {
      const form = formOf(request);
      if (!form) return oauthError(400, 'invalid_request', 'The body is not a form');
      const client = { clientId: form.client_id, clientSecret: form.client_secret };
      if (!server.find(client))
        return oauthError(400, 'invalid_client', 'The client is not known or its secret is wrong');
      const { scope } = form;
      if (!scope?.split(' ').includes('partnerservices')) {
        return oauthError(400, 'invalid_scope', 'The scope partnerservices is needed');
      }
      const organisation = { ...client, orgId: form.org_id };
      if (form.grant_type === 'password') {
        const account = server.find({ ...organisation, username: form.username, password: form.password });
        return account
          ? grant(server, account, scope)
          : oauthError(400, 'invalid_grant', 'The service account is not known or its password is wrong');
      }
      if (form.grant_type !== 'refresh_token') return oauthError(400, 'unsupported_grant_type', 'Not supported');
      const account = server.find(organisation);
      const session = account && server.spend(form.refresh_token, account);
      return session
        ? grant(server, account, scope, session)
        : oauthError(400, 'invalid_grant', 'The token is not active');
    },
  },
  admit: (server, request) => {
    const issued = bearerOf(server, request);
    return issued?.below === `/${pathOf(request).split('/')[1]}` ? issued : undefined;
  },
};
