import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from '../../local/aws/json-api.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A request on its way to an AWS. */
export interface Passing {
  /** The header with the operation: `DynamoDB_20120810.PutItem`. */
  readonly target: string;
  readonly body: Buffer;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Lets the request take effect, and keeps its answer. */
  forward(): Promise<Answer>;
  /** Lets it take effect, and answers. */
  pass(): Promise<void>;
}

export interface AwsProxy {
  readonly endpoint: string;
  close(): void;
}

/** A proxy between clients and an AWS: a test decides what becomes of each request. */
export const startProxy = async (upstream: string, decide: (passing: Passing) => Promise<void>): Promise<AwsProxy> => {
  const server = createServer(async (incoming, response) => {
    const body = (await readBody(incoming)) ?? Buffer.alloc(0);
    const forward = () => forwardTo(upstream, incoming, body);
    const pass = async () => {
      const { status, headers, body } = await forward();
      response.writeHead(status, headers).end(body);
    };
    const target = String(incoming.headers['x-amz-target']);
    await decide({ target, body, incoming, response, forward, pass }).catch(() => response.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const forwardTo = (upstream: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'POST', headers, url = '/' } = incoming;
    const forwarded = request(new URL(url, upstream), { method, headers }, answer => {
      readBody(answer).then(
        read => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: read ?? Buffer.alloc(0) }),
        reject,
      );
    });
    forwarded.on('error', reject).end(body);
  });

export interface LossyProxy extends AwsProxy {
  /** The operations of all requests, in order. */
  readonly seen: string[];
  /** Lets the next request of this operation take effect, then runs `meanwhile`, and drops the answer. */
  loseAnswerOf(operation: string, meanwhile?: () => Promise<unknown>): void;
}

/** A proxy that loses an answer as a network does. */
export const startLossyProxy = async (upstream: string): Promise<LossyProxy> => {
  const seen: string[] = [];
  let doomed: { readonly operation: string; readonly meanwhile: () => Promise<unknown> } | undefined;
  const proxy = await startProxy(upstream, async ({ target, response, forward, pass }) => {
    const operation = target.split('.')[1] ?? '';
    seen.push(operation);
    if (doomed?.operation !== operation) return pass();
    const { meanwhile } = doomed;
    doomed = undefined;
    await forward();
    await meanwhile().finally(() => response.destroy());
  });
  return {
    ...proxy,
    seen,
    loseAnswerOf: (operation, meanwhile = async () => {}) => {
      doomed = { operation, meanwhile };
    },
  };
};
