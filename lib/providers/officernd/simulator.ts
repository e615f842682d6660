import { simulatedIdOf } from '../../../local/simulators/accounts.ts';
import type { Simulation } from '../../../local/simulators/kit.ts';
import { bearerOf, formOf, inSeconds, json, oauthError, pathOf } from '../../../local/simulators/wire.ts';
import { minutes, plus, seconds } from '../../core/types.ts';

/** The lifetime in real answers, although the documentation says 3600 seconds. */
const LIFETIME = seconds(3599);

export const simulation: Simulation = {
  rotates: false,
  routes: {
    'POST /oauth/token': (server, request) => {
      if (server.isOver('token', 5, minutes(1))) {
        const headers = { 'content-type': 'text/plain; charset=utf-8' };
        return { status: 429, headers, body: 'Too many requests, please try again later' };
      }
      const form = formOf(request);
      if (!form) return oauthError(400, 'invalid_request', 'The body is not a form');
      if (form.grant_type !== 'client_credentials') {
        return oauthError(400, 'unsupported_grant_type', 'Only client_credentials is supported');
      }
      const account = server.find({ clientId: form.client_id, clientSecret: form.client_secret });
      if (!account) return oauthError(401, 'invalid_client', 'The client is not known or its secret is wrong');
      const held = account.fields.scope?.split(' ') ?? [];
      const requested = form.scope?.split(' ') ?? [];
      if (requested.length === 0 || !requested.every(scope => held.includes(scope))) {
        return oauthError(400, 'invalid_scope', 'The application does not hold the scope');
      }
      const accessToken = server.opaque();
      const expiresAt = plus(server.now, server.scaled(LIFETIME));
      server.issue(accessToken, { account: simulatedIdOf(account), family: accessToken, expiresAt });
      const expires_in = inSeconds(server.scaled(LIFETIME));
      return json(200, { access_token: accessToken, token_type: 'Bearer', expires_in, scope: form.scope });
    },
  },
  admit: (server, request) => {
    const issued = bearerOf(server, request);
    const slug = /^\/api\/v1\/organizations\/([^/]+)/.exec(pathOf(request))?.[1];
    const owner = server.accounts.find(account => simulatedIdOf(account) === issued?.account);
    return slug === undefined || slug === owner?.fields.organizationSlug ? issued : undefined;
  },
};
