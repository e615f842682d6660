import { type SimulatedAccount, simulatedIdOf } from '../../../local/simulators/accounts.ts';
import type { FakeAuthServer, Held, Simulation } from '../../../local/simulators/kit.ts';
import { basicOf, bearerOf, formOf, inSeconds, json, oauthError } from '../../../local/simulators/wire.ts';
import { hours, minutes, plus, seconds } from '../../core/types.ts';

const LIFETIME = minutes(10);
/** Not documented: long enough to outlive many access tokens. */
const SESSION = hours(24);

const grant = (server: FakeAuthServer, account: SimulatedAccount, session?: Held) => {
  const accessToken = server.opaque();
  const family = session?.family ?? accessToken;
  server.issue(accessToken, {
    account: simulatedIdOf(account),
    family,
    expiresAt: plus(server.now, server.scaled(LIFETIME)),
  });
  const answer = { access_token: accessToken, token_type: 'bearer', expires_in: inSeconds(server.scaled(LIFETIME)) };
  // A refresh brings no new refresh token: the old one stays valid (RFC 6749 §6).
  if (account.trait !== 'legacy' || session) return json(200, answer);
  const refreshToken = server.opaque();
  server.hold(refreshToken, {
    account: simulatedIdOf(account),
    family,
    endsAt: plus(server.now, server.scaled(SESSION)),
  });
  return json(200, { ...answer, refresh_token: refreshToken });
};

export const simulation: Simulation = {
  rotates: false,
  routes: {
    'POST /OAuth/Token': (server, request) => {
      const [appKey, clientKey] = basicOf(request) ?? [];
      if (server.isOver(appKey ?? '', 50, seconds(1))) return json(429, { message: 'Too many requests' });
      const form = formOf(request);
      if (!form) return oauthError(400, 'invalid_request', 'The body is not a form');
      const account = server.find({ appKey, clientKey });
      if (!account) return json(400, { error: 'invalid_client' });
      if (form.grant_type === 'client_credentials') return grant(server, account);
      if (form.grant_type !== 'refresh_token') return json(400, { error: 'unsupported_grant_type' });
      const session = server.held(form.refresh_token, account);
      return session ? grant(server, account, session) : json(400, { error: 'invalid_grant' });
    },
  },
  admit: bearerOf,
};
