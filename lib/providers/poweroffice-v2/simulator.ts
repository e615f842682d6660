import { simulatedIdOf } from '../../../local/simulators/accounts.ts';
import type { Simulation } from '../../../local/simulators/kit.ts';
import { basicOf, bearerOf, formOf, inSeconds, json, oauthError, pathOf } from '../../../local/simulators/wire.ts';
import { minutes, plus, seconds } from '../../core/types.ts';

const LIFETIME = minutes(20);

const keyIn = (headers: Readonly<Record<string, string>>) => headers['ocp-apim-subscription-key'];

export const simulation: Simulation = {
  rotates: false,
  // The API gateway checks only subscription keys, and counts the calls of all customers together.
  gate: (server, { headers }) => {
    const subscriptionKey = keyIn(headers);
    if (subscriptionKey === undefined || !server.find({ subscriptionKey })) {
      return json(401, { statusCode: 401, message: 'Access denied: the subscription key is missing or not known.' });
    }
    return server.isOver(subscriptionKey, 10, seconds(1))
      ? json(
          429,
          { statusCode: 429, message: 'The rate limit is exceeded. Try again in 1 second.' },
          { 'retry-after': '1' },
        )
      : undefined;
  },
  routes: {
    'POST /OAuth/Token': (server, request) => {
      const [appKey, clientKey] = basicOf(request) ?? [];
      const form = formOf(request);
      if (!form) return oauthError(400, 'invalid_request', 'The body is not a form');
      const account = server.find({ clientKey, appKey, subscriptionKey: keyIn(request.headers) });
      if (!account) return oauthError(400, 'invalid_client', 'The keys do not belong together');
      if (form.grant_type !== 'client_credentials') {
        return oauthError(400, 'unsupported_grant_type', 'Only client_credentials is supported');
      }
      const expiresAt = plus(server.now, server.scaled(LIFETIME));
      const accessToken = server.jwt({ iat: inSeconds(server.now), exp: inSeconds(expiresAt), sub: account.name });
      server.issue(accessToken, { account: simulatedIdOf(account), family: accessToken, expiresAt });
      return json(200, {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: inSeconds(server.scaled(LIFETIME)),
      });
    },
  },
  admit: (server, request) => {
    const issued = pathOf(request).startsWith('/v2') ? bearerOf(server, request) : undefined;
    const owner = server.accounts.find(account => simulatedIdOf(account) === issued?.account);
    return owner?.fields.subscriptionKey === keyIn(request.headers) ? issued : undefined;
  },
};
