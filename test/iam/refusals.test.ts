import { describe, expect, test } from 'vitest';
import { letsThrough } from './calls.ts';
import { Evaluator } from './evaluate.ts';
import { type Refusal, refusalsIn } from './refusals.ts';
import { awsAccountOf, SECRETS_KEY_ARN, templates } from './synthesized.ts';

const synthesized = templates();
const account = awsAccountOf(synthesized);
const refusals = refusalsIn(account.physicalAt('Schedules/Group'), account.physicalAt('Api/HttpApi'));
const evaluator = new Evaluator(account);
const allowed = (call: Refusal['twin']) => letsThrough(evaluator, call, SECRETS_KEY_ARN);

const named = refusals.map(refusal => {
  const { what, twin, but } = refusal;
  const { as, does } = { ...twin, ...but };
  return [`${as} is refused ${what} (${does})`, refusal] as const;
});

describe('what must be refused', () => {
  test.each(named)('%s', async (_, { twin, but }) => {
    expect(Object.keys(but)).toHaveLength(1);
    expect([await allowed(twin), await allowed({ ...twin, ...but })]).toEqual([true, false]);
  });
});
