import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { loopbackPort } from '../loopback-port.ts';
import { createDynamoDb } from './dynamodb.ts';
import { lockFolder } from './folder-lock.ts';
import { AwsError, answerError, answerFailure, readBody } from './json-api.ts';
import { createSecretStore } from './secret-store.ts';
import { createSecretsManager, type SecretsManager } from './secrets-manager.ts';
import { StoreGate } from './store-gate.ts';

export interface EmbeddedOptions {
  /** The folder for all data; in memory without it. One process at a time. */
  readonly folder?: string;
  readonly now?: () => number;
}

/** DynamoDB and Secrets Manager in this process, for this process: no port, since they check no signatures. */
export interface Embedded {
  /** The only way in: a socket that only this user can open. */
  readonly agent: Agent;
  /** Why it takes no writes at the moment; undefined if it does. */
  refusal(): string | undefined;
  close(): Promise<void>;
}

type Handle = (request: IncomingMessage | Readable, response: ServerResponse) => void;

/** Takes the engine's handler off its server. */
const detach = (server: Server): Handle => {
  const handlers = server.listeners('request');
  server.removeAllListeners('request');
  return (request, response) => {
    for (const handle of handlers) Reflect.apply(handle, server, [request, response]);
  };
};

/**
 * Whether a browser page sent the request. A page can reach a loopback port, and the engine would let it read the
 * answer. SDKs send no `Origin`, and a DNS name that points at this address shows in `Host`.
 */
const comesFromAPage = ({ headers }: IncomingMessage): boolean =>
  headers.origin !== undefined || loopbackPort(headers.host) === undefined;

interface Services {
  readonly dynamodb: Handle;
  readonly gate: StoreGate | undefined;
  readonly secrets: SecretsManager;
}

const route = async (request: IncomingMessage, response: ServerResponse, { dynamodb, gate, secrets }: Services) => {
  if (comesFromAPage(request)) {
    response.writeHead(403).end();
    return;
  }
  const body = await readBody(request);
  const [service, operation = ''] = String(request.headers['x-amz-target']).split('.');
  if (!body) {
    response.writeHead(413, { connection: 'close' }).end();
  } else if (service === 'secretsmanager') {
    secrets(operation, body.toString(), response);
  } else if (service === 'DynamoDB_20120810') {
    // The engine throws if a request is cut off, so it only gets complete ones.
    const { method, url, headers } = request;
    const serve = () => dynamodb(Object.assign(Readable.from([body]), { method, url, headers }), response);
    if (!gate) return serve();
    await gate.enter(response, serve, why => answerFailure(response, 'InternalServerError', why));
  } else {
    answerError(response, new AwsError('UnknownOperationException', 'Only DynamoDB and Secrets Manager are emulated.'));
  }
};

const lock = (folder: string): (() => void) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return lockFolder(folder);
};

const stop = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.close(error => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });

/**
 * The services behind the server. A folder is opened before the first request: the engine throws its database's errors.
 */
const openServices = async (now: () => number, folder?: string) => {
  const store = createSecretStore(now, folder);
  const { server, database } = createDynamoDb(folder === undefined ? undefined : join(folder, 'dynamodb'));
  await database?.open();
  const gate = folder !== undefined && database ? new StoreGate(folder, database, now) : undefined;
  const services: Services = { dynamodb: detach(server), gate, secrets: createSecretsManager(store) };
  return { server, services, refusal: () => gate?.refusal ?? store.refusal() };
};

/** Both services as one server that is not listening yet; `x-amz-target` selects the service. */
export const createEmbedded = async ({ folder, now = () => Date.now() }: EmbeddedOptions = {}) => {
  const unlock = folder === undefined ? undefined : lock(folder);
  const { server, services, refusal } = await openServices(now, folder).catch((error: unknown) => {
    unlock?.();
    throw error;
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    route(request, response, services).catch(() => response.destroy());
  });
  return {
    server,
    refusal,
    close: async () => {
      await stop(server);
      unlock?.();
    },
  };
};

/**
 * A path that no other user can guess or open: a named pipe on Windows, elsewhere a socket in a folder of mode 0700.
 */
const privatePath = (): { readonly path: string; remove(): void } => {
  if (process.platform === 'win32') {
    return { path: `\\\\.\\pipe\\token-refresher-${randomUUID()}`, remove: () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), 'token-refresher-'));
  return { path: join(folder, 'aws.sock'), remove: () => rmSync(folder, { recursive: true, force: true }) };
};

/** Starts both services on a private socket. */
export const startEmbedded = async (options: EmbeddedOptions = {}): Promise<Embedded> => {
  const { server, refusal, close } = await createEmbedded(options);
  const { path, remove } = privatePath();
  server.listen(path);
  await once(server, 'listening');
  if (process.platform !== 'win32') chmodSync(path, 0o600);
  // Keeps connections alive, as the SDK's own agent does.
  const agent = new Agent({ keepAlive: true });
  agent.createConnection = () => connect(path);
  return {
    agent,
    refusal,
    close: async () => {
      agent.destroy();
      await close();
      remove();
    },
  };
};
