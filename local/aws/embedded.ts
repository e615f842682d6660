import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createDynamoDb } from './dynamodb.ts';
import { lockFolder } from './folder-lock.ts';
import { AwsError, answerError, readBody } from './json-api.ts';
import { createSecretsManager, type SecretsManager } from './secrets-manager.ts';

export interface EmbeddedOptions {
  /** Where everything is kept; in memory without it. One process at a time. */
  readonly folder?: string;
  /** A free one without it. */
  readonly port?: number;
  readonly now?: () => number;
}

/** DynamoDB and Secrets Manager in this process, for one machine only. */
export interface Embedded {
  /** Serves both: set it as AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  close(): Promise<void>;
}

type Handle = (request: IncomingMessage | Readable, response: ServerResponse) => void;

/** Takes the engine's own handler off its server. */
const detach = (server: Server): Handle => {
  const handlers = server.listeners('request');
  server.removeAllListeners('request');
  return (request, response) => {
    for (const handle of handlers) Reflect.apply(handle, server, [request, response]);
  };
};

/**
 * A page in a browser can reach a loopback port, and the engine would even allow it to read the answer: SDKs send no
 * Origin, and a name that someone pointed at this address shows in Host.
 */
const comesFromAPage = ({ headers }: IncomingMessage): boolean =>
  headers.origin !== undefined || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');

const route = async (request: IncomingMessage, response: ServerResponse, dynamodb: Handle, secrets: SecretsManager) => {
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
    // The engine throws where a request breaks off, so it only ever gets complete ones.
    const { method, url, headers } = request;
    dynamodb(Object.assign(Readable.from([body]), { method, url, headers }), response);
  } else {
    answerError(response, new AwsError('UnknownOperationException', 'Only DynamoDB and Secrets Manager are emulated.'));
  }
};

const prepare = (folder: string): (() => void) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return lockFolder(folder);
};

const stop = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.close(error => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });

/** Starts both services on one port of the loopback interface; requests are told apart by `x-amz-target`. */
export const startEmbedded = async ({ folder, port = 0, now = Date.now }: EmbeddedOptions = {}): Promise<Embedded> => {
  const unlock = folder === undefined ? undefined : prepare(folder);
  const secrets = createSecretsManager(now, folder);
  const server = createDynamoDb(folder === undefined ? undefined : join(folder, 'dynamodb'));
  const dynamodb = detach(server);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    route(request, response, dynamodb, secrets).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close: async () => {
      await stop(server);
      unlock?.();
    },
  };
};
