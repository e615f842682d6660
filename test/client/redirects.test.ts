import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { listening } from '../kit/loopback.ts';
import { clientAt, startBusinessSystem, TOKEN_HEADERS } from './business-system.ts';
import { ACME } from './made.ts';

describe('a redirect', () => {
  const own = { cookie: 'own=1', 'x-key': 'own', 'x-other': 'own' };

  it.each([301, 302, 303, 307, 308])('to another origin (%i) is followed without the token', async status => {
    const foreign = await startBusinessSystem();
    const { url, received } = await startBusinessSystem(() => [status, { location: `${foreign.url}/file` }]);
    const response = await clientAt(url).tokens.fetch(ACME, '/x', { headers: own });
    expect([response.status, received.length]).toEqual([200, 1]);
    expect(foreign.received).toMatchObject([{ method: 'GET', path: '/file', headers: { 'x-other': 'own' } }]);
    expect(Object.keys(foreign.received[0]?.headers ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(authorization|cookie|x-key)$/)]),
    );
    expect(JSON.stringify(foreign.received)).not.toMatch(/fake-token|invented-key/);
  });

  it('that comes back from another origin has no token either', async () => {
    const foreign = await startBusinessSystem(() => [302, { location: `${url}/back` }]);
    const { url, received } = await startBusinessSystem(({ path }) =>
      path === '/x' ? [302, { location: foreign.url }] : [401, {}, 'no token'],
    );
    const { source, tokens } = clientAt(url);
    const response = await tokens.fetch(ACME, '/x');
    expect([response.status, received[1]?.headers.authorization]).toEqual([401, undefined]);
    // The token was not refused: it was not sent.
    expect(source.refused).toEqual([]);
  });

  it('within the origin is followed with the token, for each status as by fetch', async () => {
    const { url, received } = await startBusinessSystem(({ path }) => {
      const [, status, rest] = /^\/(\d+)(.*)$/.exec(path) ?? [];
      return status ? [Number(status), { location: rest || '/end' }] : [200];
    });
    const { tokens } = clientAt(url);
    const post = { method: 'POST', body: 'a body', headers: { 'content-type': 'text/plain' } };
    for (const status of [301, 302, 303, 307, 308]) {
      const reference = await fetch(`${url}/${status}`, post);
      const [, expected] = received.splice(0);
      const response = await tokens.fetch(ACME, `/${status}`, post);
      const [, got] = received.splice(0);
      expect([status, response.status]).toEqual([status, reference.status]);
      expect(got).toMatchObject({
        method: expected?.method,
        path: '/end',
        body: expected?.body,
        headers: TOKEN_HEADERS,
      });
      expect([status, got?.headers['content-type']]).toEqual([status, expected?.headers['content-type']]);
    }
  });

  it('of a Request with a body is followed', async () => {
    const { url, received } = await startBusinessSystem(({ path }) =>
      path === '/x' ? [307, { location: '/end' }] : [200],
    );
    const request = new Request(`${url}/x`, { method: 'POST', body: 'a body' });
    expect((await clientAt(url).tokens.fetchFor(ACME)(request)).status).toBe(200);
    expect(received[1]).toMatchObject({ method: 'POST', path: '/end', body: 'a body', headers: TOKEN_HEADERS });
  });

  it('of a stream is returned: it cannot be sent again', async () => {
    const foreign = await startBusinessSystem();
    const { url } = await startBusinessSystem(() => [307, { location: foreign.url }]);
    const body = new Blob(['a body']).stream();
    const response = await clientAt(url).tokens.fetch(ACME, '/x', { method: 'POST', body, duplex: 'half' });
    expect([response.status, foreign.received]).toEqual([307, []]);
  });

  it('is returned or refused if the caller wants that', async () => {
    const { url, received } = await startBusinessSystem(() => [302, { location: '/end' }]);
    const { tokens } = clientAt(url);
    expect((await tokens.fetch(ACME, '/x', { redirect: 'manual' })).status).toBe(302);
    await expect(tokens.fetch(ACME, '/x', { redirect: 'error' })).rejects.toThrow(TypeError);
    expect(received).toHaveLength(2);
  });

  it('ends after 20', async () => {
    const { url, received } = await startBusinessSystem(() => [302, { location: '/again' }]);
    await expect(clientAt(url).tokens.fetch(ACME, '/x')).rejects.toThrow('more than 20 redirects');
    expect(received).toHaveLength(21);
  });
});

it.each(['data:text/plain,invented', 'http://user:invented-password@127.0.0.1:9/', 'file:///'])(
  'a redirect to %s is an error, as in fetch',
  async location => {
    const { url } = await startBusinessSystem(() => [302, { location }]);
    const failure = await clientAt(url)
      .tokens.fetch(ACME, '/x')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).toContain(`${url} redirects`);
    expect(String(failure)).not.toContain('invented');
  },
);

it('a Request can be aborted behind a redirect', async () => {
  const controller = new AbortController();
  const server = createServer((request, response) => {
    if (request.url === '/end') controller.abort();
    else response.writeHead(303, { location: '/end' }).end();
  });
  const url = `http://127.0.0.1:${await listening(server)}`;
  const request = new Request(`${url}/x`, { method: 'POST', body: 'a body', signal: controller.signal });
  await expect(clientAt(url).tokens.fetch(ACME, request)).rejects.toMatchObject({ name: 'AbortError' });
});
