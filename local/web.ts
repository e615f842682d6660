import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Laptop } from './laptop.ts';
import { UsageError } from './usage-error.ts';

export interface Web {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Takes the port before anything else is started, so that a taken one stops everything. Answers once `serve` is called;
 * who asks earlier waits until then.
 */
export const openPort = async (port: number): Promise<Web & { serve(api: Laptop['api']): void }> => {
  const server = createServer();
  const { promise: served, resolve: serve } = Promise.withResolvers<Laptop['api']>();
  server.on('request', (request, response) => {
    served.then(api => answer(api, request, response)).catch(() => response.destroy());
  });
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code === 'EADDRINUSE') throw new UsageError(`Port ${port} is taken: give another with --port.`);
    if (code === 'EACCES')
      throw new UsageError(`Port ${port} may not be opened by this user: give one above 1023 with --port.`);
    throw error;
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve,
    close: () => closed(server),
  };
};

/** What API Gateway does: a request becomes an event, the function's answer a response. */
const answer = async (api: Laptop['api'], request: IncomingMessage, response: ServerResponse): Promise<void> => {
  // A page in a browser must not read tokens: it sends an Origin, or comes by a name that is not this machine's.
  if (request.headers.origin !== undefined || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
    response.writeHead(403).end();
    return;
  }
  const [rawPath = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const sent = await bodyOf(request);
  const { statusCode, headers, body } = await api({
    rawPath,
    queryStringParameters: parametersOf(new URLSearchParams(query)),
    requestContext: { http: { method: request.method ?? 'GET' } },
    ...(sent !== '' && { body: sent }),
  });
  response.writeHead(
    statusCode ?? 500,
    Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])),
  );
  response.end(body);
};

/** As API Gateway gives them: a parameter that is repeated has its values with commas between them. */
const parametersOf = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...new Set(query.keys())].map(name => [name, query.getAll(name).join(',')]));

/** More than the API takes. */
const LARGEST_BODY = 65_536;

/** The body, or its beginning if it is larger than any that the API takes. */
const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (size <= LARGEST_BODY) chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks).toString('utf8');
};

const closed = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.close(error => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
