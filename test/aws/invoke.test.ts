import { expect, it } from 'vitest';
import { lambdaClient } from '../../lib/aws/invoke.ts';

it('a run of a refresh function is invoked once: the policy decides about retries', async () => {
  expect(await lambdaClient({}, { region: 'us-east-1' }).config.maxAttempts()).toBe(1);
});
