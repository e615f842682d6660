import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { epochMs, providerOf } from '../core/types.ts';
import type { RefreshAnswer, RefreshRequest } from '../refresh/demand.ts';
import { type ClientOverrides, clientSettings, type Env } from './clients.ts';

type WaitingReason = Extract<RefreshAnswer, { readonly result: 'waiting' }>['reason'];
/** Every reason: the compiler reports a missing one. */
const reasons: Readonly<Record<WaitingReason, true>> = {
  leased: true,
  busy: true,
  attention: true,
  backing_off: true,
  fresh: true,
  renewed: true,
  forced_recently: true,
  too_early: true,
  undiscovered: true,
};

type Done = Exclude<RefreshAnswer, { readonly result: 'waiting' | 'unknown' }>;
const results: Readonly<Record<Done['result'], true>> = {
  refreshed: true,
  postponed: true,
  unchanged: true,
  failed: true,
  attention: true,
  retired: true,
};

const until = z.number().transform(epochMs).exactOptional();
const answerSchema: z.ZodType<RefreshAnswer> = z.union([
  z.object({ result: z.enum(Object.keys(results) as Done['result'][]), until }),
  z.object({
    result: z.literal('waiting'),
    reason: z.enum(Object.keys(reasons) as WaitingReason[]),
    until,
  }),
  z.object({ result: z.literal('unknown') }),
]);

/** Waits for a whole run of a refresh function, without retries: the policy decides about those. */
export const lambdaClient = (env: Env, overrides?: ClientOverrides): LambdaClient => {
  const { requestHandler, ...settings } = clientSettings(env, overrides);
  const patient = { ...requestHandler, requestTimeout: 25_000, socketTimeout: 25_000 };
  return new LambdaClient({ ...settings, requestHandler: patient, maxAttempts: 1 });
};

/** Invokes the provider's own `refresh` function: no other function may read that provider's secrets. */
export const refreshByLambda =
  (client: LambdaClient, functions: ReadonlyMap<string, string>) =>
  async (request: RefreshRequest): Promise<RefreshAnswer> => {
    const FunctionName = functions.get(providerOf(request.connection));
    if (FunctionName === undefined) return { result: 'unknown' };
    const Payload = JSON.stringify({ request });
    const answer = await client.send(new InvokeCommand({ FunctionName, Payload }));
    if (answer.FunctionError !== undefined || !answer.Payload) {
      throw new Error(`the refresh function failed: ${answer.FunctionError ?? 'no answer'}`);
    }
    return answerSchema.parse(JSON.parse(Buffer.from(answer.Payload).toString('utf8')));
  };
