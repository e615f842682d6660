import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { bears, isLoopbackAddress } from './api-key.ts';
import type { Laptop } from './laptop.ts';
import { loopbackPort } from './loopback-port.ts';
import { DEFAULT_HOST } from './options.ts';
import { UsageError } from './usage-error.ts';

export interface Web {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Takes the port before anything else is started: a taken port stops everything. Requests before `serve` wait for it.
 */
export const openPort = async (
  port: number,
  key: string,
  host = DEFAULT_HOST,
): Promise<Web & { serve(api: Laptop['api']): void }> => {
  const server = createServer();
  const { promise: served, resolve: serve } = Promise.withResolvers<Laptop['api']>();
  server.on('request', (request, response) => {
    if (!isFromProgram(request, isLoopbackAddress(host))) return refuse(response, 403, PROGRAMS_ONLY);
    served.then(api => answer(api, key, request, response)).catch(() => response.destroy());
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code === 'EADDRINUSE') throw new UsageError(`Port ${port} is taken: give another with --port.`);
    if (code === 'EACCES')
      throw new UsageError(`Port ${port} may not be opened by this user: give one above 1023 with --port.`);
    if (code === 'EADDRNOTAVAIL')
      throw new UsageError(`This machine has no address ${host}: give another with --host.`);
    throw error;
  }
  return {
    url: `http://${isIPv6(host) ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    serve,
    close: () => closed(server),
  };
};

/** The largest body that is read; bodies of the API are one line. */
const LARGEST_BODY = 64 * 1024;

/** Does what API Gateway does: turns a request into an event, and the function's answer into a response. */
const answer = async (api: Laptop['api'], key: string, request: IncomingMessage, response: ServerResponse) => {
  if (!bears(request.headers.authorization, key)) {
    response.setHeader('www-authenticate', 'Bearer');
    return refuse(response, 401, 'Send the key that npm start prints: "Authorization: Bearer <key>".');
  }
  const body = await bodyOf(request);
  if (body === undefined) return refuse(response, 413, `A body has at most ${LARGEST_BODY} bytes.`);
  const [rawPath = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const {
    statusCode,
    headers,
    body: text,
  } = await api({
    rawPath,
    queryStringParameters: parametersOf(new URLSearchParams(query)),
    requestContext: { http: { method: request.method ?? 'GET' } },
    ...(body.length > 0 && { body: body.toString('utf8') }),
  });
  response.writeHead(
    statusCode ?? 500,
    Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])),
  );
  response.end(text);
};

const PROGRAMS_ONLY = 'This API is for programs that call it by the address it listens on, not for pages.';

/**
 * A browser page sends `Origin` or `Sec-Fetch-Site`, or uses a DNS name that points at this address. Other machines may
 * use any name: they need the key that their owner has set.
 */
const isFromProgram = ({ headers, socket }: IncomingMessage, onLoopback: boolean): boolean => {
  const { host, origin, 'sec-fetch-site': site = 'none' } = headers;
  if (origin !== undefined || site !== 'none') return false;
  if (!onLoopback) return true;
  return loopbackPort(host) === socket.localPort;
};

/** RFC 9457, without a code of the API: API Gateway has its own refusals in these cases. */
const refuse = (response: ServerResponse, status: number, detail: string): void => {
  const document = { type: 'about:blank', title: STATUS_CODES[status], status, detail };
  response.writeHead(status, { 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(document));
};

const bodyOf = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** As in API Gateway: the values of a repeated parameter are joined by commas. */
const parametersOf = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...new Set(query.keys())].map(name => [name, query.getAll(name).join(',')]));

const closed = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.close(error => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
