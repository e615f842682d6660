import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { Request as UndiciRequest } from 'undici';
import { describe, expect, it } from 'vitest';
import { createTokenClient, fakeSource, TokenError } from '../../lib/client/index.ts';
import { listening } from '../kit/loopback.ts';
import { clientAt, refusesTheFirstToken, startBusinessSystem, TOKEN_HEADERS } from './business-system.ts';
import { ACME } from './made.ts';

type Body = NonNullable<RequestInit['body']>;

/** A provider that refuses the first token, and a client of it. */
const startRefusing = async () => {
  const server = await startBusinessSystem(refusesTheFirstToken);
  return { ...server, ...clientAt(`${server.url}/v2`) };
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
    const { url, received } = await startBusinessSystem();
    const { tokens } = clientAt(`${url}/v2`);
    await tokens.fetch(ACME, path, { headers: { 'x-key': 'own', 'x-other': 'own' } });
    expect(received).toMatchObject([
      { method: 'GET', path: expected, headers: { ...TOKEN_HEADERS, 'x-other': 'own' } },
    ]);
  });

  it('to an address at the same origin goes there', async () => {
    const { url, received } = await startBusinessSystem();
    const { tokens } = clientAt(`${url}/v2`);
    await tokens.fetch(ACME, `${url}/v2/next?page=2`);
    await tokens.fetch(ACME, new URL(`${url}/v2/next?page=3`));
    await tokens.fetchFor(ACME)(new Request(`${url}/v2/next?page=4`, { headers: { 'x-other': 'own' } }));
    expect(received.map(({ path }) => path)).toEqual(['/v2/next?page=2', '/v2/next?page=3', '/v2/next?page=4']);
    expect(received[2]?.headers).toMatchObject({ ...TOKEN_HEADERS, 'x-other': 'own' });
  });

  it('to another origin is not sent', async () => {
    const { url, received } = await startBusinessSystem();
    const { tokens } = clientAt('http://127.0.0.1:9/v2');
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
    expect([response.status, await response.text()]).toEqual([200, 'answer 200']);
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
    expect([response.status, await response.text()]).toEqual([401, 'answer 401']);
    expect(source.refused).toHaveLength(1);
    expect((await tokens.fetch(ACME, '/x', { ...streamed, body: bodyOf() })).status).toBe(200);
    expect(received.map(({ body }) => body)).toEqual(['a body', 'a body']);
  });

  it.each<[number, readonly string[]]>([
    [303, ['POST /orders', 'GET /orders/1']],
    [307, ['POST /orders', 'POST /orders/1', 'POST /orders', 'POST /orders/1']],
  ])('behind a redirect (%i) is repeated only if that has not changed the method', async (status, expected) => {
    const { url, received } = await startBusinessSystem(({ path }) =>
      path === '/orders' ? [status, { location: '/orders/1' }] : [401],
    );
    const { source, tokens } = clientAt(url);
    const response = await tokens.fetch(ACME, '/orders', { method: 'POST', body: 'an order' });
    expect([response.status, await response.text()]).toEqual([401, 'answer 401']);
    expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual(expected);
    // The next request has a newer token.
    expect(source.refused).toHaveLength(1);
  });

  it('is repeated once: the second answer is returned', async () => {
    const { url, received } = await startBusinessSystem(() => [401]);
    const { source, tokens } = clientAt(url);
    expect((await tokens.fetch(ACME, '/x')).status).toBe(401);
    expect(received).toHaveLength(2);
    expect(source.refused).toHaveLength(1);
  });

  it('is returned if there is no newer token', async () => {
    const { url, received } = await startBusinessSystem(() => [401]);
    const { source, tokens } = clientAt(url);
    await tokens.get(ACME);
    source.set(ACME, 'source_unreachable');
    const response = await tokens.fetch(ACME, '/x');
    expect([response.status, await response.text()]).toEqual([401, 'answer 401']);
    expect(received).toHaveLength(1);
  });

  it('is repeated where the newer token leads', async () => {
    const [old, moved] = [await startBusinessSystem(() => [401]), await startBusinessSystem()];
    const { source, tokens } = clientAt(old.url);
    const { issuedAt } = await tokens.get(ACME);
    source.set(ACME, { baseUrl: moved.url, issuedAt: issuedAt + 1 });
    expect((await tokens.fetch(ACME, '/x')).status).toBe(200);
    expect(moved.received).toMatchObject([{ path: '/x' }]);
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
    const { tokens } = clientAt(`http://127.0.0.1:${await listening(server)}`);
    expect((await tokens.fetch(ACME, '/x')).status).toBe(200);
    await givenUp;
    // Without that, the garbage collector gives it up after some seconds.
  },
  2000,
);

it('a request can be aborted', async () => {
  const { url } = await startBusinessSystem();
  const { tokens } = clientAt(url);
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
    const { url } = await startBusinessSystem(() => [401]);
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

it.each(['..', '/../x', 'x/../../y', '%2e%2e/x', '..\\..\\x'])(
  'a path that leads out of the base URL is refused: %s',
  async path => {
    const { url, received } = await startBusinessSystem();
    await expect(clientAt(`${url}/v2`).tokens.fetch(ACME, path)).rejects.toThrow(/must be below/);
    expect(received).toEqual([]);
  },
);
