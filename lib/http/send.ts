import type { ClientRequest, IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { HttpReply, HttpRequest } from '../core/provider.ts';
import type { Milliseconds } from '../core/types.ts';
import type { SendHttp } from '../ports.ts';
import { AddressRefused, isRefusedLiteral, publicLookup } from './addresses.ts';

/** No token answer is larger; a larger one is cut off to protect the memory. */
export const LARGEST_ANSWER = 256 * 1024;

/** At most this many informational answers (1xx) may come before the real one. Servers send one or two. */
export const MOST_INFORMATIONAL = 10;

/** Where requests may go: only to public addresses over TLS, or, on a laptop, anywhere. */
export type Reach = 'public' | 'any';

/**
 * Sends requests with node's own client. It follows no redirect: credentials never reach another host (RFC 6749 needs
 * no redirects). And the first call costs a fraction of a call of `fetch`.
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

/** Certificates are verified, even if `NODE_TLS_REJECT_UNAUTHORIZED` is 0. */
const TLS = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const;

/** Rejects if a request cannot be sent at all: for example if a stored refresh token does not fit into a header. */
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
    // As bytes: otherwise node would use one encoding for text and headers, and headers are latin1.
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
