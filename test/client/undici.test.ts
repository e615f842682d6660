import { Readable } from 'node:stream';
import { Agent, Client, interceptors, Pool, request, fetch as undiciFetch } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTokenClient } from '../../lib/client/index.ts';
import { clientAt, refusesTheFirstToken, startBusinessSystem, TOKEN_HEADERS } from './business-system.ts';
import { ACME, made, steppedSource } from './made.ts';

/** An agent whose requests have the token of a connection at this address. */
const agentFor = (baseUrl: string, redirects: 'inside' | 'outside' | 'none' = 'none') => {
  const { source, tokens } = clientAt(baseUrl);
  const redirect = interceptors.redirect({ maxRedirections: 5 });
  const plain = new Agent();
  onTestFinished(() => plain.destroy());
  const inner = redirects === 'inside' ? plain.compose(redirect) : plain;
  const withTokens = inner.compose(tokens.interceptorFor(ACME));
  return { source, dispatcher: redirects === 'outside' ? withTokens.compose(redirect) : withTokens };
};

describe('a request', () => {
  const own = { 'X-Other': 'own', 'x-key': 'own' };
  it.each<[string, Record<string, string> | string[] | Map<string, string>]>([
    ['an object', own],
    ['a flat list', Object.entries(own).flat()],
    ['pairs', new Map(Object.entries(own))],
  ])('with headers as %s has the headers of the token', async (_, headers) => {
    const { url, received } = await startBusinessSystem(() => [200]);
    const { dispatcher } = agentFor(`${url}/v2`);
    const { statusCode, body } = await request(`${url}/v2/x`, { dispatcher, headers });
    expect([statusCode, await body.text()]).toEqual([200, 'answer 200']);
    expect(received[0]?.headers).toMatchObject({ ...TOKEN_HEADERS, 'x-other': 'own' });
  });

  it('by the fetch of undici has them too', async () => {
    const { url, received } = await startBusinessSystem(() => [200]);
    const { dispatcher } = agentFor(url);
    expect(await (await undiciFetch(`${url}/x`, { dispatcher })).text()).toBe('answer 200');
    expect(received[0]?.headers.authorization).toBe('Bearer fake-token-1');
  });

  it('to another origin has none of them', async () => {
    const { url, received } = await startBusinessSystem(() => [200]);
    const { dispatcher } = agentFor('http://127.0.0.1:9');
    expect((await request(`${url}/x`, { dispatcher })).statusCode).toBe(200);
    expect(JSON.stringify(received)).not.toMatch(/fake-token|invented-key/);
  });

  it.each([
    ['Client', Client],
    ['Pool', Pool],
  ])('of a %s fails without an origin, and has the token with it', async (_, Dispatcher) => {
    const { url, received } = await startBusinessSystem(() => [200]);
    const { tokens } = clientAt(url);
    const plain = new Dispatcher(url);
    onTestFinished(() => plain.destroy());
    const dispatcher = plain.compose(tokens.interceptorFor(ACME));
    const path = { method: 'GET', path: '/x' } as const;
    const error = new TypeError(
      'A request with a token must have an "origin": pass it, or compose an Agent instead of a Client or a Pool.',
    );
    await expect(dispatcher.request(path)).rejects.toThrow(error);
    expect(received).toEqual([]);
    const { statusCode } = await dispatcher.request({ ...path, origin: url });
    expect([statusCode, received[0]?.headers.authorization]).toEqual([200, 'Bearer fake-token-1']);
  });

  it('ends as soon as it is aborted, also before it has a token', async () => {
    const { url, received } = await startBusinessSystem(() => [200]);
    const { source, fetches } = steppedSource();
    const plain = new Agent();
    onTestFinished(() => plain.destroy());
    const dispatcher = plain.compose(createTokenClient({ source }).interceptorFor(ACME));
    const controller = new AbortController();
    const waiting = request(`${url}/x`, { dispatcher, signal: controller.signal });
    await expect.poll(() => fetches).toHaveLength(1);
    const reason = new Error('no longer needed');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    fetches[0]?.answer(made(0, { baseUrl: url, issuedAt: Date.now(), expiresAt: Date.now() + 60_000 }));
    await new Promise(setImmediate);
    expect(received).toEqual([]);
  });

  it('fails with the reason for a missing token', async () => {
    const { url } = await startBusinessSystem(() => [200]);
    const { dispatcher, source } = agentFor(url);
    source.set(ACME, 'not_yet');
    await expect(request(`${url}/x`, { dispatcher })).rejects.toMatchObject({ name: 'TokenError', code: 'not_yet' });
  });
});

describe('a refused request (401)', () => {
  it('ends as soon as it is aborted, also while its token is renewed', async () => {
    const { url, received } = await startBusinessSystem(() => [401]);
    const { source, renewed } = steppedSource();
    const token = made(0, { baseUrl: url, issuedAt: Date.now(), expiresAt: Date.now() + 60_000 });
    const plain = new Agent();
    onTestFinished(() => plain.destroy());
    const tokens = createTokenClient({ source: { ...source, get: async () => token } });
    const controller = new AbortController();
    const dispatcher = plain.compose(tokens.interceptorFor(ACME));
    const waiting = request(`${url}/x`, { dispatcher, signal: controller.signal });
    await expect.poll(() => renewed).toHaveLength(1);
    const reason = new Error('no longer needed');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    renewed[0]?.answer({ ...token, issuedAt: token.issuedAt + 1 });
    await new Promise(setImmediate);
    expect(received).toHaveLength(1);
  });

  it('by the fetch of undici is returned if it has a body, which undici makes a stream', async () => {
    const { url, received } = await startBusinessSystem(refusesTheFirstToken);
    const { dispatcher } = agentFor(url);
    const post = { dispatcher, method: 'POST', body: 'a body' } as const;
    expect((await undiciFetch(`${url}/x`, post)).status).toBe(401);
    expect((await undiciFetch(`${url}/x`, post)).status).toBe(200);
    expect((await undiciFetch(`${url}/x`, { dispatcher })).status).toBe(200);
    expect(received).toHaveLength(3);
  });

  it('is repeated once with a newer token', async () => {
    const { url, received } = await startBusinessSystem(refusesTheFirstToken);
    const { dispatcher, source } = agentFor(url);
    const { statusCode, body } = await request(`${url}/x`, { dispatcher, method: 'POST', body: 'a body' });
    expect([statusCode, await body.text()]).toEqual([200, 'answer 200']);
    expect(received.map(each => [each.headers.authorization, each.body])).toEqual([
      ['Bearer fake-token-1', 'a body'],
      ['Bearer fake-token-2', 'a body'],
    ]);
    expect(source.refused).toHaveLength(1);
  });

  it('is repeated once: the second answer is returned', async () => {
    const { url, received } = await startBusinessSystem(() => [401]);
    const { statusCode, body } = await request(`${url}/x`, agentFor(url));
    expect([statusCode, await body.text(), received.length]).toEqual([401, 'answer 401', 2]);
  });

  it('is returned if its body is a stream', async () => {
    const { url, received } = await startBusinessSystem(refusesTheFirstToken);
    const { dispatcher, source } = agentFor(url);
    const streamed = { dispatcher, method: 'POST', body: Readable.from(['a body']) } as const;
    const { statusCode, body } = await request(`${url}/x`, streamed);
    expect([statusCode, await body.text(), received.length]).toEqual([401, 'answer 401', 1]);
    expect(source.refused).toHaveLength(1);
  });

  it('is returned if the newer token is for another origin', async () => {
    const moved = await startBusinessSystem(() => [200]);
    const { url, received } = await startBusinessSystem(() => {
      source.set(ACME, { baseUrl: moved.url, issuedAt: Date.now() + 1000 });
      return [401];
    });
    const { dispatcher, source } = agentFor(url);
    const { statusCode, body } = await request(`${url}/x`, { dispatcher });
    expect([statusCode, await body.text(), received.length, moved.received]).toEqual([401, 'answer 401', 1, []]);
  });

  it('is returned if there is no newer token', async () => {
    const { url } = await startBusinessSystem(() => [401]);
    const { dispatcher, source } = agentFor(url);
    const { body: first } = await request(`${url}/warm-up`, { dispatcher });
    await first.dump();
    source.set(ACME, 'source_unreachable');
    const { statusCode, body } = await request(`${url}/x`, { dispatcher });
    expect([statusCode, await body.text()]).toEqual([401, 'answer 401']);
  });
});

it.each(['inside', 'outside'] as const)(
  'a redirect to another origin takes no token along, with redirects %s',
  async at => {
    const foreign = await startBusinessSystem(() => [200]);
    const { url, received } = await startBusinessSystem(() => [302, { location: `${foreign.url}/file` }]);
    const { dispatcher } = agentFor(url, at);
    const { statusCode, body } = await request(`${url}/x`, { dispatcher });
    await body.dump();
    expect(received[0]?.headers.authorization).toBe('Bearer fake-token-1');
    expect([statusCode, foreign.received.length]).toEqual(at === 'outside' ? [200, 1] : [302, 0]);
    expect(JSON.stringify(foreign.received)).not.toMatch(/fake-token|invented-key/);
  },
);
