import type { ClientRequest, IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { HttpReply, HttpRequest } from '../core/provider.ts';
import type { Milliseconds } from '../core/types.ts';
import type { SendHttp } from '../shell/ports.ts';

/** No token answer is larger; one that is gets cut off instead of filling the memory. */
export const LARGEST_ANSWER = 256 * 1024;

/**
 * Sends a request with node's own client: no redirect is followed, so that credentials never travel on to another host
 * (RFC 6749 has no use for one), and the first call costs a fraction of what `fetch` costs.
 */
export const sendHttp: SendHttp = (request, deadline) =>
  exchange(request, deadline).catch(() => ({ kind: 'failed', code: 'network', sent: false }));

/** Rejects for a request that cannot be put on the wire at all: a stored refresh token that no header can carry, say. */
const exchange = (request: HttpRequest, deadline: Milliseconds): Promise<HttpReply> =>
  new Promise(resolve => {
    const url = new URL(request.url);
    const client = url.protocol === 'https:' ? https : http;
    let connected = false;
    let done = false;
    const settle = (reply: HttpReply) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      sent.destroy();
      resolve(reply);
    };
    const fail = (code: 'timeout' | 'network' | 'answer_too_large') =>
      settle({ kind: 'failed', code, sent: connected });

    const sent: ClientRequest = client.request(url, {
      method: request.method,
      headers: withLength(request),
      agent: false,
    });
    const timer = setTimeout(() => fail('timeout'), deadline);
    sent.on('socket', socket => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        connected = true;
      });
    });
    sent.on('error', () => fail('network'));
    sent.on('response', answer => collect(answer, settle, fail));
    // As bytes: node would write a text and the headers before it in one encoding, and headers are latin1.
    sent.end(request.body === undefined ? undefined : Buffer.from(request.body));
  });

const withLength = ({ headers, body }: HttpRequest): Record<string, string> => ({
  ...headers,
  'accept-encoding': 'identity',
  'user-agent': 'token-refresher',
  ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
});

const collect = (
  answer: IncomingMessage,
  settle: (reply: HttpReply) => void,
  fail: (code: 'network' | 'answer_too_large') => void,
): void => {
  const chunks: Buffer[] = [];
  let size = 0;
  answer.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > LARGEST_ANSWER) fail('answer_too_large');
    else chunks.push(chunk);
  });
  answer.on('error', () => fail('network'));
  answer.on('aborted', () => fail('network'));
  answer.on('end', () =>
    settle({
      kind: 'answer',
      status: answer.statusCode ?? 0,
      headers: Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : (value ?? ''),
        ]),
      ),
      body: Buffer.concat(chunks).toString('utf8'),
    }),
  );
};
