import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Request as UndiciRequest } from 'undici';
import { describe, expect, it } from 'vitest';
import { createTokenClient, fakeSource, TokenError } from '../../lib/client/index.ts';
import { listening } from '../kit/loopback.ts';

const ACME = 'poweroffice-v2/acme';

type Body = NonNullable<RequestInit['body']>;

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answer = readonly [status: number, headers?: Record<string, string>, body?: string];

/** A server that answers by path, and keeps what it receives. */
const startServer = async (answer: (received: Received) => Answer = () => [200]) => {
  const received: Received[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url: path = '', headers } = request;
    const got = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') };
    received.push(got);
    const [status, more = {}, body = 'ok'] = answer(got);
    response.writeHead(status, more).end(body);
  };
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  return { url: `http://127.0.0.1:${await listening(server)}`, received };
};

const SECRETS = { authorization: 'Bearer fake-token-1', 'x-key': 'invented-key' };

/** A client of one connection at this address; its token has two secret headers. */
const clientOf = (baseUrl: string) => {
  const source = fakeSource({
    [ACME]: { baseUrl, headers: { Authorization: 'Bearer fake-token-1', 'X-Key': 'invented-key' } },
  });
  return { source, tokens: createTokenClient({ source }) };
};

/** A provider that refuses the first token, and a client of it. */
const startRefusing = async () => {
  const server = await startServer(({ headers }) =>
    headers.authorization === 'Bearer fake-token-1' ? [401, {}, 'refused'] : [200, {}, 'accepted'],
  );
  return { ...server, ...clientOf(`${server.url}/v2`) };
};

describe('a request', () => {
  it.each([
    ['/Customers?top=1', '/v2/Customers?top=1'],
    ['Customers', '/v2/Customers'],
    ['', '/v2'],
    ['?top=1', '/v2?top=1'],
    ['//another.example/x', '/v2/another.example/x'],
    ['customers:search', '/v2/customers:search'],
    ['@another.example', '/v2/@another.example'],
  ])('to %j goes to %s below the base URL, with the headers of the token', async (path, expected) => {
    const { url, received } = await startServer();
    const { tokens } = clientOf(`${url}/v2`);
    await tokens.fetch(ACME, path, { headers: { 'x-key': 'own', 'x-other': 'own' } });
    expect(received).toMatchObject([{ method: 'GET', path: expected, headers: { ...SECRETS, 'x-other': 'own' } }]);
  });

  it('to an address at the same origin goes there', async () => {
    const { url, received } = await startServer();
    const { tokens } = clientOf(`${url}/v2`);
    await tokens.fetch(ACME, `${url}/v2/next?page=2`);
    await tokens.fetch(ACME, new URL(`${url}/v2/next?page=3`));
    await tokens.fetchFor(ACME)(new Request(`${url}/v2/next?page=4`, { headers: { 'x-other': 'own' } }));
    expect(received.map(({ path }) => path)).toEqual(['/v2/next?page=2', '/v2/next?page=3', '/v2/next?page=4']);
    expect(received[2]?.headers).toMatchObject({ ...SECRETS, 'x-other': 'own' });
  });

  it('to another origin is not sent', async () => {
    const { url, received } = await startServer();
    const { tokens } = clientOf('http://127.0.0.1:9/v2');
    const sentence = `The request must go to http://127.0.0.1:9, got ${url}: a token is sent nowhere else.`;
    for (const target of [`${url}/x`, new URL(url), new Request(url)]) {
      await expect(tokens.fetch(ACME, target)).rejects.toThrow(new TypeError(sentence));
    }
    expect(received).toEqual([]);
  });

  it('without a token fails with the reason', async () => {
    const tokens = createTokenClient({ source: fakeSource({ [ACME]: 'not_yet' }) });
    await expect(tokens.fetch(ACME, '/x')).rejects.toThrow(TokenError);
    await expect(tokens.fetch('acme', '/x')).rejects.toMatchObject({ code: 'malformed_connection' });
  });
});

describe('a refused request (401)', () => {
  const bytes = new TextEncoder().encode('a body');
  const form = new FormData();
  form.set('field', 'a body');
  it.each<[string, Body | null]>([
    ['no body', null],
    ['a text', 'a body'],
    ['bytes', bytes],
    ['a Buffer', Buffer.from('a body')],
    ['an ArrayBuffer', bytes.buffer],
    ['URLSearchParams', new URLSearchParams({ body: 'a body' })],
    ['a Blob', new Blob(['a body'])],
    ['FormData', form],
  ])('with %s is repeated with a newer token', async (_, body) => {
    const { received, source, tokens } = await startRefusing();
    const response = await tokens.fetch(ACME, '/x', { method: 'POST', body });
    expect([response.status, await response.text()]).toEqual([200, 'accepted']);
    expect(received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer fake-token-1',
      'Bearer fake-token-2',
    ]);
    const bodies = received.map(({ body: each }) => each.replaceAll(/formdata-[\w-]+/g, ''));
    expect(bodies[1]).toBe(bodies[0]);
    if (body !== null) expect(bodies[1]).toContain('a');
    expect(source.refused.map(({ accessToken }) => accessToken)).toEqual(['fake-token-1']);
  });

  it('that is a Request is repeated, its length included', async () => {
    const { url, received, tokens } = await startRefusing();
    const request = new Request(`${url}/v2/x`, { method: 'PUT', body: 'a body', headers: { 'x-other': 'own' } });
    expect((await tokens.fetchFor(ACME)(request)).status).toBe(200);
    const sent = { method: 'PUT', body: 'a body', headers: { 'x-other': 'own', 'content-length': '6' } };
    expect(received).toMatchObject([sent, sent]);
  });

  it('that is a Request of another implementation is repeated', async () => {
    const { url, received, tokens } = await startRefusing();
    const init = { method: 'PUT', body: 'a body', headers: { 'x-other': 'own' } };
    const request = new UndiciRequest(`${url}/v2/x`, init) as unknown as Request;
    expect((await tokens.fetchFor(ACME)(request)).status).toBe(200);
    const sent = { method: 'PUT', path: '/v2/x', body: 'a body', headers: { 'x-other': 'own' } };
    expect(received).toMatchObject([sent, sent]);
    await tokens.fetchFor(ACME)(new UndiciRequest(`${url}/v2/y`) as unknown as Request, {
      headers: { 'x-other': 'its' },
    });
    expect(received[2]).toMatchObject({ method: 'GET', path: '/v2/y', headers: { 'x-other': 'its' } });
  });

  it.each<[string, () => Body]>([
    ['a web stream', () => new Blob(['a body']).stream()],
    ['a stream of Node', () => Readable.from(['a body']) as unknown as Body],
  ])('with %s is not repeated: the 401 is returned, and the next request has a newer token', async (_, bodyOf) => {
    const { received, source, tokens } = await startRefusing();
    const streamed = { method: 'POST', duplex: 'half' } as const;
    const response = await tokens.fetch(ACME, '/x', { ...streamed, body: bodyOf() });
    expect([response.status, await response.text()]).toEqual([401, 'refused']);
    expect(source.refused).toHaveLength(1);
    expect((await tokens.fetch(ACME, '/x', { ...streamed, body: bodyOf() })).status).toBe(200);
    expect(received.map(({ body }) => body)).toEqual(['a body', 'a body']);
  });

  it.each<[number, readonly string[]]>([
    [303, ['POST /orders', 'GET /orders/1']],
    [307, ['POST /orders', 'POST /orders/1', 'POST /orders', 'POST /orders/1']],
  ])('behind a redirect (%i) is repeated only if that has not changed the method', async (status, expected) => {
    const { url, received } = await startServer(({ path }) =>
      path === '/orders' ? [status, { location: '/orders/1' }] : [401, {}, 'refused'],
    );
    const { source, tokens } = clientOf(url);
    const response = await tokens.fetch(ACME, '/orders', { method: 'POST', body: 'an order' });
    expect([response.status, await response.text()]).toEqual([401, 'refused']);
    expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual(expected);
    // The next request has a newer token.
    expect(source.refused).toHaveLength(1);
  });

  it('is repeated once: the second answer is returned', async () => {
    const { url, received } = await startServer(() => [401, {}, 'refused']);
    const { source, tokens } = clientOf(url);
    expect((await tokens.fetch(ACME, '/x')).status).toBe(401);
    expect(received).toHaveLength(2);
    expect(source.refused).toHaveLength(1);
  });

  it('is returned if there is no newer token', async () => {
    const { url, received } = await startServer(() => [401, {}, 'refused']);
    const { source, tokens } = clientOf(url);
    await tokens.get(ACME);
    source.set(ACME, 'source_unreachable');
    const response = await tokens.fetch(ACME, '/x');
    expect([response.status, await response.text()]).toEqual([401, 'refused']);
    expect(received).toHaveLength(1);
  });

  it('is repeated where the newer token leads', async () => {
    const [old, moved] = [await startServer(() => [401]), await startServer()];
    const { source, tokens } = clientOf(old.url);
    const { issuedAt } = await tokens.get(ACME);
    source.set(ACME, { baseUrl: moved.url, issuedAt: issuedAt + 1 });
    expect((await tokens.fetch(ACME, '/x')).status).toBe(200);
    expect(moved.received).toMatchObject([{ path: '/x' }]);
  });
});

describe('a redirect', () => {
  const own = { cookie: 'own=1', 'x-key': 'own', 'x-other': 'own' };

  it.each([301, 302, 303, 307, 308])('to another origin (%i) is followed without the token', async status => {
    const foreign = await startServer();
    const { url, received } = await startServer(() => [status, { location: `${foreign.url}/file` }]);
    const response = await clientOf(url).tokens.fetch(ACME, '/x', { headers: own });
    expect([response.status, received.length]).toEqual([200, 1]);
    expect(foreign.received).toMatchObject([{ method: 'GET', path: '/file', headers: { 'x-other': 'own' } }]);
    expect(Object.keys(foreign.received[0]?.headers ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(authorization|cookie|x-key)$/)]),
    );
    expect(JSON.stringify(foreign.received)).not.toMatch(/fake-token|invented-key/);
  });

  it('that comes back from another origin has no token either', async () => {
    const foreign = await startServer(() => [302, { location: `${url}/back` }]);
    const { url, received } = await startServer(({ path }) =>
      path === '/x' ? [302, { location: foreign.url }] : [401, {}, 'no token'],
    );
    const { source, tokens } = clientOf(url);
    const response = await tokens.fetch(ACME, '/x');
    expect([response.status, received[1]?.headers.authorization]).toEqual([401, undefined]);
    // The token was not refused: it was not sent.
    expect(source.refused).toEqual([]);
  });

  it('within the origin is followed with the token, for each status as by fetch', async () => {
    const { url, received } = await startServer(({ path }) => {
      const [, status, rest] = /^\/(\d+)(.*)$/.exec(path) ?? [];
      return status ? [Number(status), { location: rest || '/end' }] : [200];
    });
    const { tokens } = clientOf(url);
    const post = { method: 'POST', body: 'a body', headers: { 'content-type': 'text/plain' } };
    for (const status of [301, 302, 303, 307, 308]) {
      const reference = await fetch(`${url}/${status}`, post);
      const [, expected] = received.splice(0);
      const response = await tokens.fetch(ACME, `/${status}`, post);
      const [, got] = received.splice(0);
      expect([status, response.status]).toEqual([status, reference.status]);
      expect(got).toMatchObject({ method: expected?.method, path: '/end', body: expected?.body, headers: SECRETS });
      expect([status, got?.headers['content-type']]).toEqual([status, expected?.headers['content-type']]);
    }
  });

  it('of a Request with a body is followed', async () => {
    const { url, received } = await startServer(({ path }) => (path === '/x' ? [307, { location: '/end' }] : [200]));
    const request = new Request(`${url}/x`, { method: 'POST', body: 'a body' });
    expect((await clientOf(url).tokens.fetchFor(ACME)(request)).status).toBe(200);
    expect(received[1]).toMatchObject({ method: 'POST', path: '/end', body: 'a body', headers: SECRETS });
  });

  it('of a stream is returned: it cannot be sent again', async () => {
    const foreign = await startServer();
    const { url } = await startServer(() => [307, { location: foreign.url }]);
    const body = new Blob(['a body']).stream();
    const response = await clientOf(url).tokens.fetch(ACME, '/x', { method: 'POST', body, duplex: 'half' });
    expect([response.status, foreign.received]).toEqual([307, []]);
  });

  it('is returned or refused if the caller wants that', async () => {
    const { url, received } = await startServer(() => [302, { location: '/end' }]);
    const { tokens } = clientOf(url);
    expect((await tokens.fetch(ACME, '/x', { redirect: 'manual' })).status).toBe(302);
    await expect(tokens.fetch(ACME, '/x', { redirect: 'error' })).rejects.toThrow(TypeError);
    expect(received).toHaveLength(2);
  });

  it('ends after 20', async () => {
    const { url, received } = await startServer(() => [302, { location: '/again' }]);
    await expect(clientOf(url).tokens.fetch(ACME, '/x')).rejects.toThrow('more than 20 redirects');
    expect(received).toHaveLength(21);
  });
});

it.each([
  ['refused', 401, {}],
  ['redirected', 302, { location: '/end' }],
])(
  'the connection of a %s request is given up, even if its answer does not end',
  async (_, status, headers) => {
    const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<void>();
    const server = createServer((request, response) => {
      if (request.url === '/end' || request.headers.authorization === 'Bearer fake-token-2') return void response.end();
      response.on('close', giveUp);
      response.writeHead(status, headers).write('an answer that does not end');
    });
    const { tokens } = clientOf(`http://127.0.0.1:${await listening(server)}`);
    expect((await tokens.fetch(ACME, '/x')).status).toBe(200);
    await givenUp;
    // Without that, the garbage collector gives it up after some seconds.
  },
  2000,
);

it('a Request can be aborted behind a redirect', async () => {
  const controller = new AbortController();
  const server = createServer((request, response) => {
    if (request.url === '/end') controller.abort();
    else response.writeHead(303, { location: '/end' }).end();
  });
  const url = `http://127.0.0.1:${await listening(server)}`;
  const request = new Request(`${url}/x`, { method: 'POST', body: 'a body', signal: controller.signal });
  await expect(clientOf(url).tokens.fetch(ACME, request)).rejects.toMatchObject({ name: 'AbortError' });
});

it('a request can be aborted', async () => {
  const { url } = await startServer();
  const { tokens } = clientOf(url);
  const signal = AbortSignal.abort();
  await expect(tokens.fetch(ACME, '/x', { signal })).rejects.toMatchObject({ name: 'AbortError' });
  await expect(tokens.fetchFor(ACME)(new Request(url, { signal }))).rejects.toMatchObject({ name: 'AbortError' });
});

describe('a request that is aborted', () => {
  const source = { get: fakeSource({ [ACME]: {} }).get, renew: () => new Promise<never>(() => undefined) };

  it('does not wait for its token', async () => {
    const tokens = createTokenClient({ source: { ...source, get: source.renew } });
    const controller = new AbortController();
    const { signal } = controller;
    const requests = [
      tokens.fetch(ACME, '/x', { signal }),
      tokens.fetch(ACME, new Request('http://127.0.0.1:9/', { signal })),
    ];
    controller.abort();
    for (const each of await Promise.allSettled(requests))
      expect(each).toMatchObject({ reason: { name: 'AbortError' } });
  });

  it('does not wait for a newer token', async () => {
    const { url } = await startServer(() => [401]);
    const controller = new AbortController();
    const renew = () => {
      controller.abort();
      return source.renew();
    };
    const { get } = fakeSource({ [ACME]: { baseUrl: url } });
    const tokens = createTokenClient({ source: { get, renew } });
    const answer = tokens.fetch(ACME, '/x', { signal: controller.signal });
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  });
});

it.each(['data:text/plain,invented', 'http://user:invented-password@127.0.0.1:9/', 'file:///'])(
  'a redirect to %s is an error, as in fetch',
  async location => {
    const { url } = await startServer(() => [302, { location }]);
    const failure = await clientOf(url)
      .tokens.fetch(ACME, '/x')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).toContain(`${url} redirects`);
    expect(String(failure)).not.toContain('invented');
  },
);

it.each(['..', '/../x', 'x/../../y', '%2e%2e/x', '..\\..\\x'])(
  'a path that leads out of the base URL is refused: %s',
  async path => {
    const { url, received } = await startServer();
    await expect(clientOf(`${url}/v2`).tokens.fetch(ACME, path)).rejects.toThrow(/must be below/);
    expect(received).toEqual([]);
  },
);
