import { describe, expect, test } from 'vitest';
import { type Call, letsThrough, SECRETS_KEY } from './calls.ts';
import { Evaluator } from './evaluate.ts';
import { awsAccountOf, deployments, SECRETS_KEY_ARN } from './synthesized.ts';

/** The name of one deployment begins with the name of the other. */
const PRODUCTION = 'token-refresher';
const STAGING = 'token-refresher-2';
const evaluator = new Evaluator(awsAccountOf(deployments(PRODUCTION, STAGING)));
const allowed = (call: Call) => letsThrough(evaluator, call, SECRETS_KEY_ARN);

/** The construct path of each deployment's parts. */
const paths = { [PRODUCTION]: '', [STAGING]: `TokenRefresher-${STAGING}/TokenRefresher/` };
const stages = Object.entries(paths).map(([name, path]) => {
  const [other = ['', '']] = Object.entries(paths).filter(([each]) => each !== name);
  return { name, path, other: { name: other[0], path: other[1] } };
});

const secret = (as: string, name: string): Call => ({
  as,
  does: 'secretsmanager:GetSecretValue',
  on: `${name}/officernd/loft`,
});
const key = (as: string, name: string): Call => ({
  ...{ as, does: 'kms:Decrypt', on: SECRETS_KEY, via: 'secretsmanager' },
  secret: `${name}/officernd/loft`,
});

describe.each(stages)('$name', ({ name, path, other }) => {
  test.each(['Refresh/officernd', 'Watch/Watch'])('%s reads its own secrets and none of the other', async role => {
    const as = path + role;
    for (const call of [secret, key]) {
      expect([await allowed(call(as, name)), await allowed(call(as, other.name))]).toEqual([true, false]);
    }
  });

  test('publishes to its own bus and topic, and to none of the other', async () => {
    for (const call of [
      { as: `${path}Refresh/officernd`, does: 'events:PutEvents', on: 'Events' },
      { as: `${path}Watch/Watch`, does: 'sns:Publish', on: 'Alarms/Topic' },
      { as: `${path}Api/Api`, does: 'lambda:Invoke', on: 'Refresh/officerndFunction' },
    ]) {
      const at = (where: string) => allowed({ ...call, on: where + call.on });
      expect([call.does, await at(path), await at(other.path)]).toEqual([call.does, true, false]);
    }
  });
});
