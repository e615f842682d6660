/**
 * The requests of the catalogue's definitions, written by hand from the vendors' documentation. Each field has its name
 * as value.
 */

interface ExpectedRequest {
  readonly url: string;
  /** Of the form, the JSON or the query. */
  readonly sends: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The refresh request is the same, with the refresh token that is held. */
  readonly rotates?: true;
}

const basic = { Authorization: `Basic ${Buffer.from('clientId:clientSecret').toString('base64')}` };
const client = { client_id: 'clientId', client_secret: 'clientSecret' };
const credentials = { grant_type: 'client_credentials' };
const refresh = { grant_type: 'refresh_token', refresh_token: 'refreshToken' };
const bearer = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'signed' };
const signedClient = {
  ...credentials,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: 'signed',
};

/** By the id, and the group of alternatives that the secret has. */
export const requests: Readonly<Record<string, ExpectedRequest>> = {
  adobe: { url: 'https://ims-na1.adobelogin.com/ims/token/v3', sends: { ...credentials, ...client, scope: 'scope' } },
  'auth0-management': {
    url: 'https://invented.auth0.com/oauth/token',
    sends: { ...credentials, ...client, audience: 'https://invented.auth0.com/api/v2/' },
  },
  'business-central': {
    url: 'https://login.microsoftonline.com/tenantId/oauth2/v2.0/token',
    sends: { ...credentials, ...client, scope: 'https://api.businesscentral.dynamics.com/.default' },
  },
  docusign: { url: 'https://account.docusign.com/oauth/token', sends: bearer },
  'exact-online': {
    url: 'https://start.exactonline.nl/api/oauth2/token',
    sends: { ...refresh, ...client },
    rotates: true,
  },
  fortnox: {
    url: 'https://apps.fortnox.se/oauth-v1/token',
    sends: { ...credentials, scope: 'scope' },
    headers: { ...basic, TenantId: 'tenantId' },
  },
  'fortnox (refreshToken)': {
    url: 'https://apps.fortnox.se/oauth-v1/token',
    sends: refresh,
    headers: basic,
    rotates: true,
  },
  'google-service-account': { url: 'https://oauth2.googleapis.com/token', sends: bearer },
  hubspot: { url: 'https://api.hubapi.com/oauth/2026-03/token', sends: { ...refresh, ...client } },
  'microsoft-graph': {
    url: 'https://login.microsoftonline.com/tenantId/oauth2/v2.0/token',
    sends: { ...credentials, ...client, scope: 'https://graph.microsoft.com/.default' },
  },
  netsuite: {
    url: 'https://accountid.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token',
    sends: signedClient,
  },
  okta: { url: 'https://org.okta.com/oauth2/v1/token', sends: { ...signedClient, scope: 'scope' } },
  'quickbooks-online': {
    url: 'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
    sends: refresh,
    headers: basic,
    rotates: true,
  },
  salesforce: { url: 'https://login.salesforce.com/services/oauth2/token', sends: bearer },
  shopify: { url: 'https://shop.myshopify.com/admin/oauth/access_token', sends: { ...credentials, ...client } },
  square: {
    url: 'https://connect.squareup.com/oauth2/token',
    sends: { ...refresh, ...client },
    headers: { 'Square-Version': 'apiVersion', 'Content-Type': 'application/json' },
  },
  'visma-eaccounting': {
    url: 'https://identity.vismaonline.com/connect/token',
    sends: refresh,
    headers: basic,
    rotates: true,
  },
  xero: { url: 'https://identity.xero.com/connect/token', sends: refresh, headers: basic, rotates: true },
  'xero-custom-connection': {
    url: 'https://identity.xero.com/connect/token',
    sends: { ...credentials, scope: 'scope' },
    headers: basic,
  },
  zoho: { url: 'https://accounts.zoho.com/oauth/v2/token', sends: { ...refresh, ...client } },
  zoom: {
    url: 'https://zoom.us/oauth/token',
    sends: { grant_type: 'account_credentials', account_id: 'accountId' },
    headers: basic,
  },
};

/** What consumers get: the base URL, and the headers apart from `Authorization: Bearer token`. */
export const used: Readonly<Record<string, readonly [baseUrl: string, headers?: Readonly<Record<string, string>>]>> = {
  adobe: ['https://platform.adobe.io', { 'x-api-key': 'clientId', 'x-gw-ims-org-id': 'organizationId' }],
  'auth0-management': ['https://invented.auth0.com/api/v2'],
  'business-central': ['https://api.businesscentral.dynamics.com/v2.0/tenantId/environment/api/v2.0'],
  docusign: ['https://apiserver.docusign.net/restapi/v2.1/accounts/accountId'],
  'exact-online': ['https://start.exactonline.nl/api/v1/division'],
  fortnox: ['https://api.fortnox.se/3'],
  'fortnox (refreshToken)': ['https://api.fortnox.se/3'],
  'google-service-account': ['https://www.googleapis.com'],
  hubspot: ['https://api.hubapi.com'],
  'microsoft-graph': ['https://graph.microsoft.com/v1.0'],
  netsuite: ['https://accountid.suitetalk.api.netsuite.com/services/rest'],
  okta: ['https://org.okta.com/api/v1'],
  'quickbooks-online': ['https://quickbooks.api.intuit.com/v3/company/realmId'],
  salesforce: ['https://acme.my.salesforce.com'],
  shopify: ['https://shop.myshopify.com/admin/api/apiVersion', { 'X-Shopify-Access-Token': 'token' }],
  square: ['https://connect.squareup.com/v2', { 'Square-Version': 'apiVersion' }],
  'visma-eaccounting': ['https://eaccountingapi.vismaonline.com/v2'],
  xero: ['https://api.xero.com/api.xro/2.0', { 'xero-tenant-id': 'tenantId' }],
  'xero-custom-connection': ['https://api.xero.com/api.xro/2.0'],
  zoho: ['https://www.zohoapis.com', { Authorization: 'Zoho-oauthtoken token' }],
  zoom: ['https://api.zoom.us/v2'],
};

/** Values of the answers in addition to the token, for providers whose base URL comes from them. */
export const answered: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  salesforce: { instance_url: 'https://acme.my.salesforce.com' },
  zoho: { api_domain: 'https://www.zohoapis.com' },
};

/** The claims that are signed, without `iat`, `exp` and `jti`, and the header. */
export const signed: Readonly<Record<string, { readonly claims: object; readonly header: object }>> = {
  docusign: {
    claims: {
      iss: 'integrationKey',
      sub: 'userId',
      aud: 'audience',
      scope: 'scope',
    },
    header: { alg: 'RS256' },
  },
  'google-service-account': {
    claims: { iss: 'clientEmail', sub: 'subject', scope: 'scope', aud: 'https://oauth2.googleapis.com/token' },
    header: { alg: 'RS256', kid: 'privateKeyId' },
  },
  netsuite: {
    claims: {
      iss: 'clientId',
      scope: 'scope',
      aud: 'https://accountid.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token',
    },
    header: { alg: 'PS256', kid: 'certificateId' },
  },
  okta: {
    claims: { iss: 'clientId', sub: 'clientId', aud: 'https://org.okta.com/oauth2/v1/token' },
    header: { alg: 'RS256', kid: 'keyId' },
  },
  salesforce: {
    claims: { iss: 'clientId', sub: 'username', aud: 'https://login.salesforce.com' },
    header: { alg: 'RS256' },
  },
};
