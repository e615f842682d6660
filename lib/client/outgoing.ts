/** A request before it has a token. */
export interface Outgoing {
  readonly method: string;
  /** The caller's own. */
  readonly headers: Headers;
  readonly redirect: RequestRedirect;
  readonly signal: AbortSignal | null | undefined;
  /** Its body can be sent again. */
  readonly isReplayable: boolean;
  /** Its address; throws if that is not at the origin of the base URL. */
  urlFor(baseUrl: string): URL;
  /** Sends it; without a body as a `GET`. */
  send(url: URL, headers: Headers, hasBody: boolean, redirect?: RequestRedirect): Promise<Response>;
}

type RequestRedirect = 'error' | 'follow' | 'manual';

export const outgoing = (input: string | URL | Request, init: RequestInit = {}): Outgoing =>
  typeof input === 'string' || input instanceof URL
    ? fromUrl(input, init)
    : fromRequest(new Request(ownRequest(input), init));

/** The `Request` of another implementation, for example of the package undici, has the same properties. */
const ownRequest = (input: Request): Request => {
  const { url } = input;
  return input instanceof Request ? input : new Request(url, input);
};

const fromUrl = (input: string | URL, init: RequestInit): Outgoing => {
  const { body, ...rest } = init;
  const method = (init.method ?? 'GET').toUpperCase();
  return {
    method,
    headers: new Headers(init.headers),
    redirect: init.redirect ?? 'follow',
    signal: init.signal,
    isReplayable: isReplayable(body),
    urlFor: baseUrl => within(baseUrl, addressOf(baseUrl, input)),
    send: (url, headers, hasBody, redirect = 'manual') =>
      fetch(url, hasBody ? { ...init, headers, redirect } : { ...rest, method: bare(method), headers, redirect }),
  };
};

/** A `Request` hides what its body was made of: its clone keeps a copy until the answer is there. */
const fromRequest = (request: Request): Outgoing => ({
  method: request.method,
  headers: request.headers,
  redirect: request.redirect,
  signal: request.signal,
  isReplayable: true,
  urlFor: baseUrl => within(baseUrl, new URL(request.url)),
  send: (url, headers, hasBody, redirect = 'manual') => {
    const { signal } = request;
    const init = { headers, redirect, signal };
    if (!hasBody) return fetch(url, { ...init, method: bare(request.method) });
    return fetch(url.href === request.url ? request.clone() : new Request(url, request.clone()), init);
  },
});

const bare = (method: string): string => (method === 'HEAD' ? 'HEAD' : 'GET');

/** An address as it is, or a path below the base URL. Two slashes at its start do not begin a host. */
const addressOf = (baseUrl: string, input: string | URL): URL => {
  if (input instanceof URL || /^[a-z][a-z0-9+.-]*:\/\//i.test(input)) return new URL(input);
  const url = new URL(/^$|^[?#]/.test(input) ? baseUrl + input : `${baseUrl}/${input.replace(/^\/+/, '')}`);
  const { pathname } = new URL(baseUrl);
  if (`${url.pathname}/`.startsWith(pathname.endsWith('/') ? pathname : `${pathname}/`)) return url;
  throw new TypeError(
    `The path must be below ${baseUrl}, and leads to ${url.pathname}. Pass the whole address instead.`,
  );
};

const within = (baseUrl: string, url: URL): URL => {
  const { origin } = new URL(baseUrl);
  if (url.origin === origin) return url;
  throw new TypeError(`The request must go to ${origin}, got ${url.origin}: a token is sent nowhere else.`);
};

/** What can be read twice. A stream, or what is read like one, cannot. */
export const isReplayable = (body: unknown): boolean =>
  body === undefined ||
  body === null ||
  typeof body === 'string' ||
  body instanceof ArrayBuffer ||
  ArrayBuffer.isView(body) ||
  body instanceof URLSearchParams ||
  body instanceof FormData ||
  body instanceof Blob;
