/** `oidc-provider` as definitions: ways to prove who the client is, and a first refresh token from elsewhere. */

export const oidcDefinition = {
  id: 'openid',
  title: 'An OpenID provider',
  source: 'https://openid.net/specs/openid-connect-core-1_0.html',
  lifetime: '10m',
  base: 'https://openid.test',
  consumer: { baseUrl: '{base}' },
  hosts: ['openid.test'],
};
const client = { clientId: { purpose: 'the client id' }, clientSecret: { purpose: 'the client secret' } };
const form = { grant_type: 'client_credentials', scope: 'api.read' };
const inBasic = { user: '{clientId}', password: '{clientSecret}', encoded: true };
const inBody = { client_id: '{clientId}', client_secret: '{clientSecret}' };
export const ways = {
  client_secret_basic: { fields: client, login: { url: '{base}/token', basic: inBasic, form } },
  client_secret_post: { fields: client, login: { url: '{base}/token', form: { ...form, ...inBody } } },
  private_key_jwt: {
    fields: { clientId: client.clientId, key: { purpose: 'the private key', privateKey: true } },
    assertion: {
      algorithm: 'RS256',
      key: 'key',
      lifetime: '1m',
      claims: { iss: '{clientId}', sub: '{clientId}', aud: '{base}' },
    },
    login: {
      url: '{base}/token',
      form: {
        ...form,
        client_id: '{clientId}',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: '{assertion}',
      },
    },
  },
};
export const imported = {
  fields: { ...client, refreshToken: { purpose: 'the first refresh token' } },
  redeem: { field: 'refreshToken' },
  refresh: {
    url: '{base}/token',
    basic: inBasic,
    form: { grant_type: 'refresh_token', refresh_token: '{refreshToken}' },
  },
  sessionOf: ['clientId'],
};
