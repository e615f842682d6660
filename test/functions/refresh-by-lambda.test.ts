import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { refreshByLambda } from '../../lib/aws/invoke.ts';
import type { RefreshRequest } from '../../lib/refresh/demand.ts';
import { mockedClient } from '../kit/mock-client.ts';
import { idOf, START } from '../kit/records.ts';

const lambda = mockedClient(LambdaClient);
beforeEach(() => void lambda.reset());

const request: RefreshRequest = {
  kind: 'ifNeeded',
  connection: idOf('acme', 'petrosoft'),
  minTtl: 60_000,
  waits: true,
};
const forced: RefreshRequest = { kind: 'force', connection: idOf('acme', 'ioffice'), issuedAt: START, waits: true };
const askIt = refreshByLambda(
  new LambdaClient({ region: 'us-east-1' }),
  new Map([['petrosoft', 'function-of-petrosoft']]),
);
const answering = (answer: unknown) => {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const Payload = Object.assign(Buffer.from(text), { transformToString: () => text });
  lambda.on(InvokeCommand).resolves({ StatusCode: 200, Payload: Payload as never });
};

describe('invoking a provider’s own function', () => {
  it('invokes it once, with the question, and waits for its answer', async () => {
    answering({ result: 'refreshed', until: START });
    expect(await askIt(request)).toEqual({ result: 'refreshed', until: START });
    const [call, ...more] = lambda.commandCalls(InvokeCommand);
    expect(more).toEqual([]);
    const { FunctionName, Payload, InvocationType = 'RequestResponse' } = call?.args[0].input ?? {};
    expect([FunctionName, InvocationType]).toEqual(['function-of-petrosoft', 'RequestResponse']);
    expect(JSON.parse(String(Payload))).toEqual({ request });
  });

  it.each([
    { result: 'failed' },
    { result: 'attention', until: START },
    { result: 'postponed', until: START },
    { result: 'retired' },
    { result: 'unknown' },
    { result: 'waiting', reason: 'leased', until: START },
    { result: 'waiting', reason: 'busy', until: START },
    { result: 'waiting', reason: 'renewed' },
    { result: 'waiting', reason: 'forced_recently', until: START },
    { result: 'waiting', reason: 'fresh' },
    { result: 'waiting', reason: 'too_early', until: START },
    { result: 'waiting', reason: 'undiscovered' },
  ])('understands %j', async answer => {
    answering(answer);
    expect(await askIt(request)).toEqual(answer);
  });

  it('invokes nothing for a provider that has no function', async () => {
    expect(await askIt(forced)).toEqual({ result: 'unknown' });
    expect(lambda.calls()).toEqual([]);
  });

  it.each([{ result: 'done' }, { result: 'waiting' }, { result: 'waiting', reason: 'tired' }, [], null, 'no JSON'])(
    'throws at an answer that it does not know: %j',
    async answer => {
      answering(answer);
      await expect(askIt(request)).rejects.toThrow();
    },
  );

  it('throws if the function failed, without its message', async () => {
    const Payload = Buffer.from('{"errorMessage":"planted-words"}') as never;
    lambda.on(InvokeCommand).resolves({ StatusCode: 200, FunctionError: 'Unhandled', Payload });
    const error: unknown = await askIt(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toContain('Unhandled');
    expect(String(error)).not.toContain('planted-words');
  });

  it('throws if there was no answer, or the call itself failed', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });
    await expect(askIt(request)).rejects.toThrow('no answer');
    lambda.on(InvokeCommand).rejects(new Error('throttled'));
    await expect(askIt(request)).rejects.toThrow('throttled');
  });
});
