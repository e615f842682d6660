import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError, answerError, readBody } from '../../local/aws/json-api.ts';

/** The requests of one refresh to AWS, in order; the call to the provider comes between `secret` and `keep`. */
export type Step = 'claim' | 'secret' | 'keep' | 'publish' | 'settle';

export interface StepProxy {
  readonly endpoint: string;
  /** Refuses the next request of this step, in a way that the SDK does not retry. */
  refuse(step: Step): Promise<void>;
  /** Refuses every request of this step from now on. */
  refuseAll(step: Step): Promise<void>;
  /** The next request of this step takes effect, and so do the SDK's retries, but no answer comes back. */
  lose(step: Step): Promise<void>;
  /**
   * Holds the next request of this step, before or after its effect. Resolves once it is held, to the function that
   * releases it.
   */
  hold(step: Step, when: 'before' | 'after'): Promise<() => void>;
  close(): void;
}

/** The number of times that the SDK sends one request to DynamoDB. */
const ATTEMPTS = 4;

type Strike = (forward: () => Promise<Answer>, response: ServerResponse) => Promise<void>;
interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const stepOf = (target: string, body: string): Step | undefined => {
  if (target === 'secretsmanager.GetSecretValue') return 'secret';
  if (target.endsWith('.PutItem')) {
    const { Item: item } = JSON.parse(body) as { readonly Item: Readonly<Record<string, { readonly S?: string }>> };
    if (item.shard?.S?.endsWith('#sessions')) return 'keep';
    return item.accessToken ? 'publish' : undefined;
  }
  if (!target.endsWith('.UpdateItem')) return undefined;
  const { UpdateExpression: update } = JSON.parse(body) as { readonly UpdateExpression: string };
  if (update.includes('#claimId = ')) return 'claim';
  return update.includes('#claimId') ? 'settle' : undefined;
};

const forwardTo = async (upstream: string, { method, headers }: IncomingMessage, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const forwarded = request(upstream, { method: method ?? 'POST', headers }, answer => {
      readBody(answer).then(
        read => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: read ?? Buffer.alloc(0) }),
        reject,
      );
    });
    forwarded.on('error', reject).end(body);
  });

const pass: Strike = async (forward, response) => {
  const { status, headers, body } = await forward();
  response.writeHead(status, headers).end(body);
};

const refusing =
  (struck: (value: undefined) => void): Strike =>
  async (_, response) => {
    answerError(response, new AwsError('AccessDeniedException', 'refused for the test'));
    struck(undefined);
  };

/** A proxy between a refresher and AWS that lets exactly one step of a refresh fail. */
export const startProxy = async (upstream: string): Promise<StepProxy> => {
  const armed = new Map<Step, { times: number; readonly strike: Strike }>();
  const server = createServer((incoming, response) => {
    void (async () => {
      const body = (await readBody(incoming)) ?? Buffer.alloc(0);
      const step = stepOf(String(incoming.headers['x-amz-target']), body.toString());
      const trap = step && armed.get(step);
      if (step && trap) {
        trap.times -= 1;
        if (trap.times === 0) armed.delete(step);
      }
      await (trap?.strike ?? pass)(() => forwardTo(upstream, incoming, body), response);
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));

  const arm = <T>(step: Step, times: number, strike: (struck: (value: T) => void) => Strike): Promise<T> => {
    const { promise, resolve } = Promise.withResolvers<T>();
    armed.set(step, { times, strike: strike(resolve) });
    return promise;
  };
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refuse: step => arm(step, 1, refusing),
    refuseAll: step => arm(step, Number.POSITIVE_INFINITY, refusing),
    lose: step =>
      arm<void>(step, ATTEMPTS, struck => async (forward, response) => {
        await forward();
        response.destroy();
        struck();
      }),
    hold: (step, when) =>
      arm<() => void>(step, 1, struck => async (forward, response) => {
        const answer = when === 'after' ? await forward() : undefined;
        await new Promise<void>(resolve => struck(resolve));
        await pass(answer ? async () => answer : forward, response);
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
