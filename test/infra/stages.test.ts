import { expect, test } from 'vitest';
import { providerIds } from '../../lib/providers/index.ts';
import { Evaluator } from '../iam/evaluate.ts';
import { awsAccountOf, deployments } from '../iam/synthesized.ts';

const STAGING = 'staging';
const account = awsAccountOf(deployments('token-refresher', STAGING));
const evaluator = new Evaluator(account);
const isStaging = (role: string) => role.startsWith(`TokenRefresher-${STAGING}/`);
const roles = [...account.roles.keys()];

/** The providers with secrets below a prefix that one of the roles may read. */
const readableBy = async (as: readonly string[], prefix: string): Promise<string[]> => {
  const answers = providerIds.map(async provider => {
    const input = { SecretId: `${prefix}/${provider}/acme` };
    const each = as.map(role => evaluator.allows({ as: role, does: 'secretsmanager:GetSecretValue', input }));
    return (await Promise.all(each)).includes(true) ? [provider] : [];
  });
  return (await Promise.all(answers)).flat();
};

test.each([
  ['token-refresher', roles.filter(role => !isStaging(role)), STAGING],
  [STAGING, roles.filter(isStaging), 'token-refresher'],
])('the roles of %s together read its secrets of all providers, and none of the other', async (name, own, other) => {
  expect(own.length).toBeGreaterThan(providerIds.length);
  expect([await readableBy(own, name), await readableBy(own, other)]).toEqual([providerIds, []]);
});
