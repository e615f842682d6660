import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import type { SimulatedAccount } from './accounts.ts';
import { createSimulators, type Simulator } from './index.ts';
import type { SimulatedRequest, SimulatorWorld } from './kit.ts';
import type { SimulatorMemory } from './memory.ts';

export interface SimulatorOptions extends Omit<SimulatorWorld, 'url'>, SimulatorMemory {
  readonly accounts?: readonly SimulatedAccount[];
  /** Providers that the generic simulator serves. */
  readonly defined?: readonly DefinedProvider[];
  /** The address in tokens, if it is not the server's own. */
  readonly publicUrl?: string;
}

export interface RunningSimulators {
  /** Each provider's base URL is `<url>/<provider>`. */
  readonly url: string;
  readonly state: ReturnType<typeof createSimulators>['state'];
  close(): Promise<void>;
}

/** The simulators behind an HTTP server on loopback. */
export const startSimulators = async (options: SimulatorOptions): Promise<RunningSimulators> => {
  const { port = 0, remembered, remember } = options;
  const server = createServer();
  // The port of the last run keeps published addresses valid. If it is taken, any other port is used.
  const taken = await listen(server, port).catch(() => listen(server, 0));
  const url = `http://127.0.0.1:${taken}`;
  const simulators = createSimulators({ ...options, url: options.publicUrl ?? url }, options.accounts, options.defined);
  if (remembered) simulators.state.restore(remembered);
  const handle = (request: SimulatedRequest) => {
    const response = simulators.handle(request);
    remember?.(simulators.state.get(), taken);
    return response;
  };
  server.on('request', (request, response) => {
    serve({ handle }, request, response).catch(() => response.destroy());
  });
  return {
    url,
    state: simulators.state,
    close: () =>
      new Promise((resolve, reject) => {
        server.close(error => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
};

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

type Handler = { readonly handle: Simulator['handle'] };

const serve = async ({ handle }: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { status, headers, body } = handle(await read(request));
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
};

const read = async (request: IncomingMessage): Promise<SimulatedRequest> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  return {
    method: request.method ?? '',
    path: request.url ?? '/',
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
};
