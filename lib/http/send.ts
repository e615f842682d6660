import type { ClientRequest, IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { HttpReply, HttpRequest } from '../core/provider.ts';
import type { Milliseconds } from '../core/types.ts';
import type { SendHttp } from '../ports.ts';
import { AddressRefused, isRefusedLiteral, publicLookup } from './addresses.ts';

/** No token answer is larger; one that is gets cut off instead of filling the memory. */
export const LARGEST_ANSWER = 256 * 1024;

/** So many informational answers (1xx) may come before the real one. Servers send one or two. */
export const MOST_INFORMATIONAL = 10;

/** Where requests may go: to public addresses over TLS alone, or, on a laptop, anywhere. */
export type Reach = 'public' | 'any';

/**
 * Sends requests with node's own client: no redirect is followed, so that credentials never travel on to another host
 * (RFC 6749 has no use for one), and the first call costs a fraction of what `fetch` costs.
 */
export const createSend =
  (reach: Reach, lookup?: LookupFunction): SendHttp =>
  async (request, deadline) => {
    const url = URL.parse(request.url);
    const refused = reach === 'public' && (url?.protocol !== 'https:' || isRefusedLiteral(url.hostname));
    if (refused) return { kind: 'failed', code: 'address_refused', sent: false };
    const how = reach === 'public' ? { lookup: lookup ?? publicLookup() } : {};
    return exchange(request, deadline, how).catch(() => ({ kind: 'failed', code: 'network', sent: false }));
  };

/** Certificates are verified, whatever `NODE_TLS_REJECT_UNAUTHORIZED` says. */
const TLS = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const;

/** Rejects for a request that cannot be put on the wire at all: a stored refresh token that no header can carry, say. */
const exchange = (
  request: HttpRequest,
  deadline: Milliseconds,
  how: { readonly lookup?: LookupFunction },
): Promise<HttpReply> =>
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
    const fail = (code: Extract<HttpReply, { kind: 'failed' }>['code']) =>
      settle({ kind: 'failed', code, sent: connected });

    const sent: ClientRequest = client.request(url, {
      method: request.method,
      headers: withLength(request),
      agent: false,
      ...TLS,
      ...how,
    });
    const timer = setTimeout(() => fail('timeout'), deadline);
    sent.on('socket', socket => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        connected = true;
      });
    });
    sent.on('error', error => fail(error instanceof AddressRefused ? 'address_refused' : 'network'));
    let informational = 0;
    sent.on('information', () => {
      informational += 1;
      if (informational > MOST_INFORMATIONAL) fail('network');
    });
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
