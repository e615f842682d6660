/**
 * A second opinion: the six providers, written only from the fact sheets, without knowledge of this project. Strict:
 * everything that a sheet does not allow is refused, and the reason is kept in `complaints`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Incoming {
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface Outgoing {
  readonly status: number;
  readonly json: unknown;
}

/** An issued token, with everything that a consumer must know. */
export interface IssuedToken {
  readonly accessToken: string;
  /** Epoch milliseconds: after this moment the API refuses it. */
  readonly diesAt: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: string;
}

class Complaint extends Error {}
const insist = (condition: boolean, what: string): void => {
  if (!condition) throw new Complaint(what);
};

const jwt = (claims: object): string => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${randomBytes(32).toString('base64url')}`;
};

const exactForm = ({ headers, body }: Incoming, wanted: Record<string, string>): void => {
  insist(
    /^application\/x-www-form-urlencoded(;|$)/.test(headers['content-type'] ?? ''),
    'the body is not called a form',
  );
  const got = [...new URLSearchParams(body)].sort().map(String);
  insist(got.join('&') === Object.entries(wanted).sort().map(String).join('&'), 'the fields of the form are not these');
};

const exactJson = ({ headers, body }: Incoming, wanted: object): void => {
  insist(/^application\/json(;|$)/.test(headers['content-type'] ?? ''), 'the body is not called JSON');
  insist(JSON.stringify(JSON.parse(body)) === JSON.stringify(wanted), 'the JSON is not this');
};

const exactHeaders = ({ headers }: Incoming, prefix: string, wanted: Record<string, string>): void => {
  const got = Object.entries(headers).filter(([name]) => name.startsWith(prefix));
  insist(got.sort().join() === Object.entries(wanted).sort().join(), `the ${prefix} headers are not these`);
};

const fact = {
  pogo: { appKey: randomUUID(), clientKey: randomUUID(), subscriptionKey: randomBytes(16).toString('hex') },
  rnd: {
    clientId: 'rnd-client',
    clientSecret: 'rnd+secret/with&signs=%',
    scope: 'officernd.api.read officernd.api.write',
    organizationSlug: 'the-loft',
  },
  epos: { clientId: 'epos-client', clientSecret: 'épos', orgId: '0042', username: 'service', password: 'p&ss w+rd' },
  petro: { login: 'api@station', password: 'quote"back\\slash' },
  io: {
    clientId: 'io-client',
    redirectUri: 'https://example.com/back?x=1',
    scope: 'read write',
    username: 'service',
    password: 'ioñ %41',
  },
} as const;

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** The sheets, each `METHOD path` → answer. `issue` records issued tokens. */
const sheets = (url: string, issue: (provider: string, issued: IssuedToken) => void) => {
  const now = () => Date.now();
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  let ioCode: string | undefined;
  let ioRefresh: string | undefined;

  const routes: Record<string, (request: Incoming) => Outgoing> = {
    'POST /pogo1/OAuth/Token': request => {
      const { appKey, clientKey } = fact.pogo;
      insist(request.headers.authorization === basic(appKey, clientKey), 'Basic is not these keys byte for byte');
      exactForm(request, { grant_type: 'client_credentials' });
      const accessToken = randomBytes(40).toString('base64url');
      issue('poweroffice-v1', {
        accessToken,
        diesAt: now() + 1_200_000,
        headers: bearer(accessToken),
        baseUrl: `${url}/pogo1`,
      });
      return { status: 200, json: { access_token: accessToken, token_type: 'bearer', expires_in: 1200 } };
    },
    'POST /pogo2/Demo/OAuth/Token': request => {
      const { appKey, clientKey, subscriptionKey } = fact.pogo;
      const key = { 'Ocp-Apim-Subscription-Key': subscriptionKey };
      if (request.headers['ocp-apim-subscription-key'] !== subscriptionKey) {
        return { status: 401, json: { statusCode: 401, message: 'Access denied due to invalid subscription key.' } };
      }
      insist(request.headers.authorization === basic(appKey, clientKey), 'Basic is not these keys byte for byte');
      exactForm(request, { grant_type: 'client_credentials' });
      const iat = Math.floor(now() / 1000);
      const accessToken = jwt({ iat, exp: iat + 1200 });
      const headers = { ...bearer(accessToken), ...key };
      issue('poweroffice-v2', { accessToken, diesAt: (iat + 1200) * 1000, headers, baseUrl: `${url}/pogo2/Demo/v2` });
      return { status: 200, json: { access_token: accessToken, token_type: 'Bearer', expires_in: 1200 } };
    },
    'POST /rnd/oauth/token': request => {
      const { clientId, clientSecret, scope } = fact.rnd;
      exactForm(request, { client_id: clientId, client_secret: clientSecret, grant_type: 'client_credentials', scope });
      const accessToken = randomBytes(40).toString('hex');
      const baseUrl = `${url}/rnd/api/v1/organizations/${fact.rnd.organizationSlug}`;
      issue('officernd', { accessToken, diesAt: now() + 3_599_000, headers: bearer(accessToken), baseUrl });
      return { status: 200, json: { access_token: accessToken, token_type: 'Bearer', expires_in: 3599, scope } };
    },
    'POST /epos/authorisation/token': request => {
      const { clientId, clientSecret, orgId, username, password } = fact.epos;
      exactForm(request, {
        grant_type: 'password',
        client_id: clientId,
        client_secret: clientSecret,
        org_id: orgId,
        username,
        password,
        scope: 'partnerservices offline_access',
      });
      const iat = Math.floor(now() / 1000);
      const svc = `${url}/epos/service/${randomBytes(3).toString('hex')}`;
      const accessToken = jwt({ iat, exp: iat + 28_800, svc, org_id: orgId });
      issue('powerepos', { accessToken, diesAt: (iat + 28_800) * 1000, headers: bearer(accessToken), baseUrl: svc });
      const stale = `${url}/epos/service/stale`;
      const more = { expires_in: 28_800, refresh_token: randomUUID(), svc: stale, org_id: orgId };
      return { status: 200, json: { token_type: 'Bearer', access_token: accessToken, ...more } };
    },
    'POST /petro/v1/auth/token': request => {
      exactJson(request, fact.petro);
      const iat = Math.floor(now() / 1000);
      const accessToken = jwt({ iat, exp: iat + 86_400 });
      issue('petrosoft', {
        accessToken,
        diesAt: (iat + 86_400) * 1000,
        headers: bearer(accessToken),
        baseUrl: `${url}/petro`,
      });
      const refresh = { refresh_expires_in: 86_400, refresh_token: jwt({ iat, exp: iat + 86_400 }) };
      const rest = { token_type: 'bearer', 'not-before-policy': 0, session_state: randomUUID(), scope: 'profile' };
      return { status: 200, json: { access_token: accessToken, expires_in: 86_400, ...refresh, ...rest } };
    },
    'POST /io/external/api/oauth2/auth': request => {
      const { username, password, clientId, scope } = fact.io;
      insist(request.headers['content-type'] === 'application/json', 'the code is not asked for as JSON');
      const sent = { ...request, headers: { ...request.headers } };
      // The sheet gives the code a scope, but no header for it: accept it with or without.
      if (sent.headers['x-scope'] === scope) delete sent.headers['x-scope'];
      exactHeaders(sent, 'x-', { 'x-auth-username': username, 'x-auth-password': password, 'x-client-id': clientId });
      insist(request.body === '', 'there is a body');
      ioCode = randomUUID();
      return { status: 200, json: { code: ioCode } };
    },
    'POST /io/external/api/oauth2/token': request => {
      const { redirectUri, clientId, scope } = fact.io;
      const own = { 'x-redirect-uri': redirectUri, 'x-client-id': clientId, 'x-scope': scope };
      const grant: Record<string, string> =
        request.headers['x-grant-type'] === 'refresh_token'
          ? { 'x-grant-type': 'refresh_token', 'x-refresh-token': ioRefresh ?? '' }
          : { 'x-grant-type': 'authorization_code', 'x-auth-code': ioCode ?? '' };
      exactHeaders(request, 'x-', { ...own, ...grant });
      ioCode = undefined;
      ioRefresh = randomUUID();
      const accessToken = randomUUID();
      issue('ioffice', {
        accessToken,
        diesAt: now() + 1_800_000,
        headers: { 'x-access-token': accessToken },
        baseUrl: `${url}/io`,
      });
      const answer = {
        token_type: 'bearer',
        access_token: accessToken,
        expires_in: 1_800_000,
        refresh_token: ioRefresh,
      };
      return { status: 200, json: answer };
    },
  };
  return routes;
};

/**
 * The secrets as an operator would write them, by `<provider>/<name>`; base URLs with and without a slash at the end.
 */
const secretsFor = (url: string): Readonly<Record<string, Record<string, unknown>>> => {
  const { subscriptionKey: _, ...keys } = fact.pogo;
  return {
    'poweroffice-v1/first': { ...keys, baseUrl: `${url}/pogo1/` },
    'poweroffice-v2/second': { ...fact.pogo, baseUrl: `${url}/pogo2/Demo` },
    'officernd/third': { ...fact.rnd, baseUrl: `${url}/rnd/` },
    'powerepos/fourth': { ...fact.epos, baseUrl: `${url}/epos` },
    'petrosoft/fifth': { ...fact.petro, baseUrl: `${url}/petro/` },
    'ioffice/sixth': { ...fact.io, baseUrl: `${url}/io/` },
  };
};

const read = async (request: IncomingMessage): Promise<Incoming> => {
  const body = Buffer.concat(await request.toArray()).toString('utf8');
  return { line: `${request.method} ${request.url}`, headers: request.headers, body };
};

export const startIndependentProvider = async () => {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issued: (IssuedToken & { readonly provider: string })[] = [];
  const complaints: string[] = [];
  const requests: string[] = [];
  let hold: (line: string) => Promise<void> = async () => {};
  const routes = sheets(url, (provider, token) => issued.push({ provider, ...token }));

  /** Every path except the token endpoint is an API: it accepts a valid token with its headers, at its own address. */
  const api = ({ line, headers }: Incoming): Outgoing => {
    const good = issued.some(
      each =>
        line.startsWith(`GET ${each.baseUrl.slice(url.length)}/`) &&
        each.diesAt > Date.now() &&
        Object.entries(each.headers).every(([name, value]) => headers[name.toLowerCase()] === value),
    );
    return good ? { status: 200, json: { ok: true } } : { status: 401, json: { error: 'invalid_token' } };
  };
  const answer = async (request: IncomingMessage): Promise<Outgoing> => {
    const incoming = await read(request);
    const route = routes[incoming.line];
    if (!route) return api(incoming);
    requests.push(incoming.line);
    await hold(incoming.line);
    try {
      return route(incoming);
    } catch (thrown) {
      complaints.push(`${incoming.line}: ${thrown instanceof Error ? thrown.message : 'no error'}`);
      const status = incoming.line.includes('/petro/') ? 401 : 400;
      return { status, json: { error: 'invalid_grant', error_description: 'refused' } };
    }
  };
  server.on('request', (request, response) => {
    answer(request).then(
      ({ status, json }) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json)),
      () => response.destroy(),
    );
  });
  return {
    url,
    secrets: secretsFor(url),
    issued,
    complaints,
    /** The lines of the requests to token endpoints, in order. */
    requests,
    /** Called with each of them before it is answered: it may take time. */
    holding: (next: typeof hold) => {
      hold = next;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
