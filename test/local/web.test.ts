import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiEvent } from '../../functions/api/handler.ts';
import { UsageError } from '../../local/usage-error.ts';
import { openPort, type Web } from '../../local/web.ts';
import { expectConforming } from '../api/conforms.ts';
import { listening } from '../kit/loopback.ts';

const KEY = 'made-up-key-of-the-test';
const authorization = `Bearer ${KEY}`;
const opened: Web[] = [];
const open = async (port = 0, host?: string) => {
  const web = await openPort(port, KEY, host);
  opened.push(web);
  return web;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map(web => web.close()));
});
const echo = async (event: ApiEvent) => ({ statusCode: 299, headers: { 'x-a': 'b' }, body: JSON.stringify(event) });

/** The status of a request with headers that `fetch` would not let through. */
const statusOf = (url: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(url, { headers: { authorization: `Bearer ${KEY}`, ...headers } }, response =>
      resolve(response.resume().statusCode),
    )
      .on('error', reject)
      .end();
  });

describe('the HTTP API of the laptop', () => {
  it('turns requests into events as API Gateway does, and answers of the function into responses', async () => {
    const web = await open();
    web.serve(echo);
    const response = await fetch(`${web.url}/tokens/a%2Fb/c?minTtl=60&x=%C3%B8&x=y`, {
      ...{ method: 'POST', body: '{"issuedAt":"now"}' },
      headers: { authorization },
    });
    expect([response.status, response.headers.get('x-a')]).toEqual([299, 'b']);
    expect(await response.json()).toEqual({
      rawPath: '/tokens/a%2Fb/c',
      queryStringParameters: { minTtl: '60', x: 'ø,y' },
      requestContext: { http: { method: 'POST' } },
      body: '{"issuedAt":"now"}',
    });
  });

  it('lets early requests wait until it is ready, and answers then', async () => {
    const web = await open();
    const early = fetch(`${web.url}/connections`, { headers: { authorization } });
    // A second connection: once it is open, the first has certainly arrived.
    const socket = connect(Number(new URL(web.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    web.serve(echo);
    expect((await early).status).toBe(299);
  });

  it('says in a sentence that a port is taken', async () => {
    const port = await listening(createServer());
    await expect(open(port)).rejects.toThrow(UsageError);
    await expect(open(port)).rejects.toThrow(`Port ${port} is taken: give another with --port.`);
  });

  it('is for programs of this machine: no page of a browser, by whatever name it came', async () => {
    const web = await open();
    web.serve(echo);
    const port = new URL(web.url).port;
    expect(await statusOf(web.url, {})).toBe(299);
    expect(await statusOf(web.url, { host: `localhost:${port}` })).toBe(299);
    for (const headers of [
      { origin: 'https://example.com' },
      { origin: 'null' },
      { origin: web.url },
      { host: 'example.com' },
      { host: `example.com:${port}` },
      { host: '127.0.0.1.example.com' },
      { host: 'localhost.example.com' },
      { host: '127.0.0.1:1' },
      { host: `localhost@example.com:${port}` },
      { host: `example.com\\@localhost:${port}` },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      expect(await statusOf(web.url, headers)).toBe(403);
    }
  });

  it('answers other machines by whatever name, but no page, if it listens on their network', async () => {
    // It counts as an address of the network, and is on loopback.
    const web = await open(0, '::ffff:127.0.0.1');
    web.serve(echo);
    const url = `http://127.0.0.1:${new URL(web.url).port}`;
    expect(await statusOf(url, { host: 'host.docker.internal:8787' })).toBe(299);
    expect(await statusOf(url, { host: 'laptop.example' })).toBe(299);
    expect(await statusOf(url, { authorization: 'Bearer another' })).toBe(401);
    expect(await statusOf(url, { origin: 'https://example.com' })).toBe(403);
    expect(await statusOf(url, { 'sec-fetch-site': 'cross-site' })).toBe(403);
  });

  it('says in a sentence that an address is not of this machine', async () => {
    await expect(open(0, '192.0.2.1')).rejects.toThrow(
      'This machine has no address 192.0.2.1: give another with --host.',
    );
  });

  it.each([undefined, 'Bearer', 'Bearer made-up', `Basic ${KEY}`, KEY, `Bearer ${KEY}x`])(
    'answers nothing to a request with %s for the key',
    async wrong => {
      const web = await open();
      let calls = 0;
      web.serve(async event => {
        calls += 1;
        return echo(event);
      });
      const response = await fetch(web.url, { headers: wrong === undefined ? {} : { authorization: wrong } });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toMatchObject({ status: 401, title: 'Unauthorized' });
      expect(calls).toBe(0);
    },
  );

  it('reads no endless body', async () => {
    const web = await open();
    web.serve(echo);
    const body = 'x'.repeat(65 * 1024);
    expect((await fetch(web.url, { method: 'POST', body, headers: { authorization } })).status).toBe(413);
  });

  it('refuses as docs/openapi.json says', async () => {
    const web = await open();
    web.serve(echo);
    const path = '/tokens/officernd/acme';
    const refusals: readonly (readonly [number, RequestInit])[] = [
      [401, { method: 'POST', body: '{}' }],
      [403, { method: 'POST', body: '{}', headers: { authorization, origin: 'https://example.com' } }],
      [413, { method: 'POST', body: 'x'.repeat(65 * 1024), headers: { authorization } }],
    ];
    for (const [status, init] of refusals) {
      const response = await fetch(`${web.url}${path}`, init);
      expect(response.status).toBe(status);
      const answer = { status, headers: Object.fromEntries(response.headers), body: await response.text() };
      expectConforming('POST', path, answer);
    }
  });

  it('listens on the loopback interface alone', async () => {
    expect((await open()).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('drops a request whose handling fails, and continues', async () => {
    const web = await open();
    let calls = 0;
    web.serve(async event => {
      calls += 1;
      if (calls === 1) throw new Error('made up');
      return echo(event);
    });
    await expect(fetch(web.url, { headers: { authorization } })).rejects.toThrow();
    expect((await fetch(web.url, { headers: { authorization } })).status).toBe(299);
  });
});
