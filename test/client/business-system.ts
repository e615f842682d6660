import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createTokenClient, fakeSource } from '../../lib/client/index.ts';
import { listening } from '../kit/loopback.ts';
import { ACME } from './made.ts';

/** What the tests of the client's requests call, and a client of it. */

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answer = readonly [status: number, headers?: Record<string, string>, body?: string];

/** A server that answers by path, and keeps what it receives. */
export const startBusinessSystem = async (answer: (received: Received) => Answer = () => [200]) => {
  const received: Received[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url: path = '', headers } = request;
    const got = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') };
    received.push(got);
    const [status, more = {}, body = `answer ${status}`] = answer(got);
    response.writeHead(status, more).end(body);
  };
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  return { url: `http://127.0.0.1:${await listening(server)}`, received };
};

export const refusesTheFirstToken = ({ headers }: Pick<Received, 'headers'>): Answer =>
  headers.authorization === 'Bearer fake-token-1' ? [401] : [200];

export const TOKEN_HEADERS = { authorization: 'Bearer fake-token-1', 'x-key': 'invented-key' };

/** A client of one connection at this address; its token has two secret headers. */
export const clientAt = (baseUrl: string) => {
  const source = fakeSource({
    [ACME]: { baseUrl, headers: { Authorization: 'Bearer fake-token-1', 'X-Key': 'invented-key' } },
  });
  return { source, tokens: createTokenClient({ source }) };
};
