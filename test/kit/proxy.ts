import { createServer, request } from 'node:http';
import { readBody } from '../../local/aws/json-api.ts';

export interface LossyProxy {
  readonly endpoint: string;
  /** The targets of all requests, in order. */
  readonly seen: string[];
  /** Lets the next request of this operation take effect, then runs `meanwhile`, and drops the answer. */
  loseAnswerOf(operation: string, meanwhile?: () => Promise<unknown>): void;
  close(): void;
}

/** A proxy between a client and an AWS: a test can lose an answer as a network does. */
export const startProxy = async (upstream: string): Promise<LossyProxy> => {
  const seen: string[] = [];
  let doomed: { readonly operation: string; readonly meanwhile: () => Promise<unknown> } | undefined;
  const server = createServer(async (incoming, outgoing) => {
    const body = await readBody(incoming);
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
    seen.push(operation);
    const lost = doomed?.operation === operation ? doomed : undefined;
    if (lost) doomed = undefined;
    const { method = 'POST', headers } = incoming;
    const forwarded = request(upstream, { method, headers }, answer => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      if (lost) answer.resume().on('end', () => void lost.meanwhile().finally(() => outgoing.destroy()));
      else answer.pipe(outgoing);
    });
    forwarded.end(body);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    seen,
    loseAnswerOf: (operation, meanwhile = async () => {}) => {
      doomed = { operation, meanwhile };
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
