import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { vi } from 'vitest';
import { listening } from '../kit/loopback.ts';

/** `oidc-provider`, certified by the OpenID Foundation, on loopback. It is third-party code. */

export const CLIENT = 'invented-client';
/** With characters that HTTP Basic and forms treat in different ways. */
export const SECRET = 'made-up secret-50%+more:&';
const ACCOUNT = 'invented-account';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const PRIVATE_KEY = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

export interface OpenIdServer {
  readonly url: string;
  /** A refresh token as from a person’s consent elsewhere. */
  consent(): Promise<string>;
  /** Whether the server accepts an access token. */
  takes(accessToken: string): Promise<boolean>;
  /** Grants that the server has revoked, because a spent refresh token came back. */
  readonly revoked: () => number;
}

/** `how` a client proves who it is: `client_secret_basic`, `client_secret_post`, `private_key_jwt`. */
export const startOpenIdServer = async (how: string): Promise<OpenIdServer> => {
  // The server warns about settings that only a public server needs.
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  vi.spyOn(console, 'info').mockImplementation(() => {});
  let handle: ReturnType<Provider['callback']> = () => {};
  const url = `http://127.0.0.1:${await listening(createServer((request, response) => handle(request, response)))}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT,
        ...(how === 'private_key_jwt'
          ? { jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] } }
          : { client_secret: SECRET }),
        token_endpoint_auth_method: how,
        ...(how === 'private_key_jwt' && { token_endpoint_auth_signing_alg: 'RS256' }),
        grant_types: ['client_credentials', 'refresh_token', 'authorization_code'],
        redirect_uris: ['https://app.test/back'],
      },
    ],
    scopes: ['openid', 'offline_access', 'api.read'],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    rotateRefreshToken: true,
    ttl: { ClientCredentials: 600, AccessToken: 600, RefreshToken: 14 * 86_400, Grant: 14 * 86_400 },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  });
  handle = provider.callback();
  let revoked = 0;
  provider.on('grant.revoked', () => {
    revoked += 1;
  });
  return {
    url,
    consent: async () => {
      const grant = new provider.Grant({ accountId: ACCOUNT, clientId: CLIENT });
      grant.addOIDCScope('openid offline_access');
      const scope = 'openid offline_access';
      const client = await provider.Client.find(CLIENT);
      const of = { accountId: ACCOUNT, client, grantId: await grant.save(), scope, gty: 'authorization_code' };
      return new provider.RefreshToken(of).save();
    },
    takes: async accessToken => {
      const { status } = await fetch(`${url}/me`, { headers: { authorization: `Bearer ${accessToken}` } });
      return status === 200;
    },
    revoked: () => revoked,
  };
};
