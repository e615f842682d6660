import { type Outgoing, outgoing } from './outgoing.ts';
import { type CurrentToken, isFetchable } from './token.ts';
import { unlessAborted } from './unless-aborted.ts';

/** As in `fetch` itself. */
const MOST_REDIRECTS = 20;
/** What `fetch` takes off a request that a redirect leads to another origin. */
const OF_ONE_ORIGIN = ['authorization', 'cookie', 'host', 'proxy-authorization'];
const OF_A_BODY = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type'];

/** What the functions that send requests need of a client. */
export interface Tokens {
  get(connection: string): Promise<CurrentToken>;
  renew(refused: CurrentToken): Promise<CurrentToken | undefined>;
}

interface Answer {
  readonly response: Response;
  /** The token was sent to where this answer comes from. */
  readonly isOurs: boolean;
  /** The whole request can be sent again. */
  readonly isRepeatable: boolean;
}

/**
 * Sends a request with a token. If it is refused (401), a newer token is requested once, and the request is repeated
 * once, unless its body was a stream or a redirect has changed its method: what came before may be done already.
 */
export const fetchWith = async (
  tokens: Tokens,
  connection: string,
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> => {
  const request = outgoing(input, init);
  const token = await unlessAborted(request.signal, tokens.get(connection));
  const { response, isOurs, isRepeatable } = await followed(request, token);
  if (response.status !== 401 || !isOurs) return response;
  const renewal = tokens.renew(token).catch(() => undefined);
  const newer = await unlessAborted(request.signal, renewal);
  if (!newer || !isRepeatable) return response;
  await response.body?.cancel();
  return (await followed(request, newer)).response;
};

/** Follows redirects with the token within the origin of the base URL, and without it from there on. */
const followed = async (request: Outgoing, token: CurrentToken): Promise<Answer> => {
  let url = request.urlFor(token.baseUrl);
  let hasBody = true;
  for (let redirects = 0; ; redirects++) {
    const response = await request.send(url, withToken(request.headers, token, hasBody), hasBody);
    const location = redirectIn(response, url);
    const answer = { response, isOurs: true, isRepeatable: hasBody && request.isReplayable };
    if (!location || request.redirect === 'manual') return answer;
    const becomesGet = losesBody(response.status, hasBody ? request.method : 'GET');
    if (hasBody && !becomesGet && !request.isReplayable) return answer;
    await response.body?.cancel();
    if (request.redirect === 'error') throw new TypeError(`fetch failed: ${url.origin} answers a redirect`);
    if (redirects === MOST_REDIRECTS) throw new TypeError(`fetch failed: more than ${MOST_REDIRECTS} redirects`);
    if (!isFetchable(location)) throw new TypeError(`fetch failed: ${url.origin} redirects to where fetch never goes`);
    hasBody &&= !becomesGet;
    if (location.origin !== url.origin) {
      const headers = withoutToken(request.headers, token, hasBody);
      const theirs = await request.send(location, headers, hasBody, 'follow');
      return { response: theirs, isOurs: false, isRepeatable: false };
    }
    url = location;
  }
};

const redirectIn = ({ status, headers }: Response, from: URL): URL | undefined => {
  const location = [301, 302, 303, 307, 308].includes(status) ? headers.get('location') : null;
  return location !== null && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
};

/** A 303, and a 301 or 302 of a `POST`, lead to a `GET` (Fetch standard, HTTP-redirect fetch). */
const losesBody = (status: number, method: string): boolean =>
  status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST';

const withToken = (own: Headers, { headers }: CurrentToken, hasBody: boolean): Headers => {
  const all = new Headers(own);
  if (!hasBody) for (const name of OF_A_BODY) all.delete(name);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  return all;
};

const withoutToken = (own: Headers, { headers }: CurrentToken, hasBody: boolean): Headers => {
  const rest = new Headers(own);
  for (const name of [...OF_ONE_ORIGIN, ...Object.keys(headers), ...(hasBody ? [] : OF_A_BODY)]) rest.delete(name);
  return rest;
};
