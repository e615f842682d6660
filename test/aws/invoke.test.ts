import { expect, it } from 'vitest';
import { lambdaClient } from '../../lib/aws/invoke.ts';

it('a run of a refresh function is asked for once: whether to again is the policy’s business', async () => {
  expect(await lambdaClient({}, { region: 'us-east-1' }).config.maxAttempts()).toBe(1);
});
