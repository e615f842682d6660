import { AwsError, answerError } from '../../local/aws/json-api.ts';
import { type AwsProxy, type Passing, startProxy } from '../kit/proxy.ts';

/** The requests of one refresh to AWS, in order; the call to the provider comes between `secret` and `keep`. */
export type RefreshStep = 'claim' | 'secret' | 'keep' | 'publish' | 'settle';

export interface StepProxy extends AwsProxy {
  /** Refuses the next request of this step, in a way that the SDK does not retry. */
  refuse(step: RefreshStep): Promise<void>;
  /** Refuses every request of this step from now on. */
  refuseAll(step: RefreshStep): Promise<void>;
  /** The next request of this step takes effect, and so do the SDK's retries, but no answer comes back. */
  lose(step: RefreshStep): Promise<void>;
  /**
   * Holds the next request of this step, before or after its effect. Resolves once it is held, to the function that
   * releases it.
   */
  hold(step: RefreshStep, when: 'before' | 'after'): Promise<() => void>;
}

/** The number of times that the SDK sends one request to DynamoDB. */
const ATTEMPTS = 4;

type Strike = (passing: Passing) => Promise<void>;

const stepOf = (target: string, body: string): RefreshStep | undefined => {
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

const refusing =
  (struck: (value: undefined) => void): Strike =>
  async ({ response }) => {
    answerError(response, new AwsError('AccessDeniedException', 'refused for the test'));
    struck(undefined);
  };

/** A proxy between a refresher and AWS that lets exactly one step of a refresh fail. */
export const startStepProxy = async (upstream: string): Promise<StepProxy> => {
  const armed = new Map<RefreshStep, { times: number; readonly strike: Strike }>();
  const proxy = await startProxy(upstream, passing => {
    const step = stepOf(passing.target, passing.body.toString());
    const trap = step && armed.get(step);
    if (step && trap) {
      trap.times -= 1;
      if (trap.times === 0) armed.delete(step);
    }
    return trap ? trap.strike(passing) : passing.pass();
  });
  const arm = <T>(step: RefreshStep, times: number, strike: (struck: (value: T) => void) => Strike): Promise<T> => {
    const { promise, resolve } = Promise.withResolvers<T>();
    armed.set(step, { times, strike: strike(resolve) });
    return promise;
  };
  return {
    ...proxy,
    refuse: step => arm(step, 1, refusing),
    refuseAll: step => arm(step, Number.POSITIVE_INFINITY, refusing),
    lose: step =>
      arm<void>(step, ATTEMPTS, struck => async ({ forward, response }) => {
        await forward();
        response.destroy();
        struck();
      }),
    hold: (step, when) =>
      arm<() => void>(step, 1, struck => async ({ forward, pass, response }) => {
        const answer = when === 'after' ? await forward() : undefined;
        await new Promise<void>(resolve => struck(resolve));
        if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
        else await pass();
      }),
  };
};
