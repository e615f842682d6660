import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../../lib/core/provider.ts';
import { createSend, LARGEST_ANSWER, MOST_INFORMATIONAL } from '../../lib/http/send.ts';
import { closedPort, listening, rawServer } from '../kit/loopback.ts';

const sendHttp = createSend('any');

/** Longer than any of these takes, and short enough to notice one that hangs. */
const AMPLE = 3000;
const TINY = 200;

const serving = async (listener: RequestListener) =>
  `http://127.0.0.1:${await listening(createServer({ keepAlive: true }, listener))}`;
const post = (url: string, more: Partial<HttpRequest> = {}, deadline = AMPLE) =>
  sendHttp({ method: 'POST', url, headers: {}, body: 'grant_type=made-up', ...more }, deadline);
const bodyOf = async (request: IncomingMessage) => Buffer.concat(await request.toArray()).toString('utf8');
const failed = (code: string, sent: boolean) => ({ kind: 'failed', code, sent });

describe('a request', () => {
  it('goes out as it was built, byte for byte', async () => {
    const seen: unknown[] = [];
    const url = await serving(async (request, response) => {
      seen.push([request.method, request.url, request.headers, await bodyOf(request)]);
      response.end('{}');
    });
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded',
      'x-latin': 'ø',
      Authorization: 'Basic Og==',
    };
    const body = 'name=Tromsø&password=a%2Bb';
    await sendHttp({ method: 'POST', url: `${url}/OAuth/Token?x=1`, headers, body }, AMPLE);
    expect(seen).toEqual([
      [
        'POST',
        '/OAuth/Token?x=1',
        expect.objectContaining({
          'content-type': 'application/x-www-form-urlencoded',
          'x-latin': 'ø',
          authorization: 'Basic Og==',
          'content-length': String(Buffer.byteLength(body)),
          'accept-encoding': 'identity',
        }),
        body,
      ],
    ]);
  });

  it('without a body says that it has none: some servers wait for one otherwise', async () => {
    const url = await serving((request, response) => {
      const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
      response.end(JSON.stringify({ length, encoding }));
    });
    const reply = await sendHttp({ method: 'POST', url, headers: {} }, AMPLE);
    expect(reply).toMatchObject({ kind: 'answer', body: '{"length":"0"}' });
  });

  it('that cannot be sent is a failure, not an exception: nothing was sent', async () => {
    const url = await serving((_, response) => response.end());
    for (const request of [
      { url: 'no url' },
      { url: 'ftp://127.0.0.1/' },
      { url, headers: { 'x-token': 'line\nbreak' } },
      { url, headers: { 'x-token': '→' } },
      { url: `${url}/a b\n` },
    ]) {
      const reply = await post(url, request);
      if (reply.kind === 'failed') expect(reply).toEqual(failed('network', false));
      else expect(reply.status).toBe(200);
    }
    expect(await post(url, { headers: { 'x-token': 'line\nbreak' } })).toEqual(failed('network', false));
    expect(await post('no url')).toEqual(failed('network', false));
  });
});

describe('an answer', () => {
  it.each([200, 204, 400, 401, 404, 429, 500, 503])('with status %i is one, whatever it means', async status => {
    const url = await serving((_, response) => response.writeHead(status).end(status === 204 ? undefined : '{"a":1}'));
    expect(await post(url)).toMatchObject({ kind: 'answer', status, body: status === 204 ? '' : '{"a":1}' });
  });

  it.each([301, 302, 303, 307, 308])('that redirects with %i is not followed', async status => {
    let followed = 0;
    const elsewhere = await serving((_, response) => {
      followed++;
      response.end('{"access_token":"stolen"}');
    });
    const url = await serving((_, response) => response.writeHead(status, { location: elsewhere }).end());
    expect(await post(url)).toMatchObject({ kind: 'answer', status, headers: { location: elsewhere } });
    expect(followed).toBe(0);
  });

  it('has its headers in lower case, several of one name joined', async () => {
    const url = await serving((_, response) => {
      response.writeHead(429, { 'Retry-After': '7', 'Set-Cookie': ['a=1', 'b=2'], 'X-Many': ['one', 'two'] }).end();
    });
    const reply = await post(url);
    expect(reply).toMatchObject({ headers: { 'retry-after': '7', 'set-cookie': 'a=1, b=2', 'x-many': 'one, two' } });
  });

  it('is put together from its pieces before it is read as UTF-8', async () => {
    const bytes = Buffer.from('{"name":"Tromsø ☂"}');
    const url = await serving((_, response) => {
      for (const byte of bytes) response.write(Buffer.of(byte));
      response.end();
    });
    expect(await post(url)).toMatchObject({ kind: 'answer', body: bytes.toString() });
  });

  it('may come before the whole request was read', async () => {
    const port = await rawServer(socket => socket.end('HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\n{}'));
    expect(await post(`http://127.0.0.1:${port}`, { body: 'x'.repeat(200_000) })).toMatchObject({
      kind: 'answer',
      status: 401,
    });
  });

  it.each([
    ['of exactly the largest size is taken', LARGEST_ANSWER, 'answer'],
    ['of one byte more is refused, and may have been processed', LARGEST_ANSWER + 1, 'failed'],
  ])('%s', async (_, size, kind) => {
    const url = await serving((_, response) => response.end('x'.repeat(size)));
    const reply = await post(url);
    expect(reply.kind).toBe(kind);
    if (reply.kind === 'failed') expect(reply).toEqual(failed('answer_too_large', true));
  });

  it.each(['100 Continue', '103 Early Hints'])('may follow a few that say "%s"', async status => {
    const answer = `HTTP/1.1 ${status}\r\n\r\n`.repeat(MOST_INFORMATIONAL);
    const port = await rawServer(socket => socket.end(`${answer}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}`));
    expect(await post(`http://127.0.0.1:${port}`)).toMatchObject({ kind: 'answer', status: 200, body: '{}' });
  });

  it.each(['100 Continue', '103 Early Hints'])('is not waited for while "%s" comes without an end', async status => {
    const flood = Buffer.from(`HTTP/1.1 ${status}\r\n\r\n`.repeat(1000));
    const closed = Promise.withResolvers<void>();
    const port = await rawServer(socket => {
      const more = () => {
        while (!socket.destroyed && socket.write(flood));
      };
      socket.on('drain', more).on('close', () => closed.resolve());
      more();
    });
    expect(await post(`http://127.0.0.1:${port}`)).toEqual(failed('network', true));
    await closed.promise;
  });

  it('without an end is cut off at the largest size', async () => {
    let written = 0;
    const url = await serving((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
      };
      response.on('drain', more);
      more();
    });
    expect(await post(url)).toEqual(failed('answer_too_large', true));
    expect(written).toBeLessThan(64 * LARGEST_ANSWER);
  });
});

describe('the deadline', () => {
  it('ends a call to a server that takes the request and says nothing', async () => {
    const url = await serving(() => {});
    expect(await post(url, {}, TINY)).toEqual(failed('timeout', true));
  });

  it('ends a call whose answer begins and then stalls', async () => {
    const url = await serving((_, response) => response.writeHead(200, { 'content-length': '100' }).write('{"access'));
    expect(await post(url, {}, TINY)).toEqual(failed('timeout', true));
  });

  it('ends a call whose answer drips with short pauses only', async () => {
    const url = await serving((_, response) => {
      const drip = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(drip));
    });
    expect(await post(url, {}, TINY)).toEqual(failed('timeout', true));
  });

  it('ends a call whose headers drip', async () => {
    const port = await rawServer(socket => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const drip = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(drip));
    });
    expect(await post(`http://127.0.0.1:${port}`, {}, TINY)).toEqual(failed('timeout', true));
  });

  it.each([
    ['that goes on to another protocol', 'HTTP/1.1 101 Go\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'],
    ['that only ever says what is yet to come', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(MOST_INFORMATIONAL)],
  ])('ends a call to a server %s', async (_, bytes) => {
    const port = await rawServer(socket => socket.write(bytes));
    expect(await post(`http://127.0.0.1:${port}`, {}, TINY)).toEqual(failed('timeout', true));
  });

  it('ends a call to a TLS server that never shakes hands: nothing can have been read', async () => {
    const port = await rawServer(() => {});
    expect(await post(`https://127.0.0.1:${port}`, {}, TINY)).toEqual(failed('timeout', false));
  });

  it('leaves no connection behind', async () => {
    const closed = Promise.withResolvers<void>();
    const url = await serving(request => request.socket.on('close', () => closed.resolve()));
    await post(url, {}, TINY);
    await closed.promise;
  });
});

describe('a connection that fails', () => {
  it('because nothing listens has sent nothing', async () => {
    expect(await post(`http://127.0.0.1:${await closedPort()}`)).toEqual(failed('network', false));
    expect(await post(`https://127.0.0.1:${await closedPort()}`)).toEqual(failed('network', false));
  });

  it('because the host has no address has sent nothing', async () => {
    expect(await post('https://nobody.invalid/token')).toMatchObject({ kind: 'failed', sent: false });
  });

  it.each([
    ['after reading the request', ''],
    ['within the headers', 'HTTP/1.1 200 OK\r\ncontent-ty'],
    ['within an answer of known length', 'HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n{"access_token":"half'],
    ['within a chunked answer', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n15\r\n{"access_token":"half'],
  ])('because the server crashes %s may have been processed', async (_, bytes) => {
    for (const die of ['end', 'destroy', 'resetAndDestroy'] as const) {
      const port = await rawServer((socket, soFar) => {
        if (soFar.includes('grant_type=made-up')) socket.write(bytes, () => socket[die]());
      });
      expect(await post(`http://127.0.0.1:${port}`)).toEqual(failed('network', true));
    }
  });

  it.each([
    ['a length that is not a number', 'HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['another protocol', 'SSH-2.0-made-up\r\n'],
    ['headers without an end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`],
  ])('because of %s may have been processed', async (_, bytes) => {
    const port = await rawServer(socket => socket.write(bytes));
    expect(await post(`http://127.0.0.1:${port}`)).toEqual(failed('network', true));
  });
});
