import assert from 'node:assert/strict';
import { Evaluator } from '../iam/evaluate.ts';
import { Ledger } from '../iam/ledger.ts';
import { deployedAccount } from './account.ts';
import { Calls } from './calls.ts';
import { deployedIn } from './deployed.ts';
import type { LocalAws } from './emulator.ts';
import { Judge } from './judge.ts';
import { Operator } from './operator.ts';
import { startProxy } from './proxy.ts';

const STACK = 'TokenRefresher-staging';

/** Deploys a second stage beside the first one. Its watch finds its own secret, and none of the other's. */
export const checkStages = async (aws: LocalAws, root: string): Promise<void> => {
  await aws.deploy(root, STACK, { name: 'staging' });
  const assembly = `${root}/cdk.out`;
  const evaluator = new Evaluator(await deployedAccount(aws, { [STACK]: assembly }));
  const ledger = new Ledger(evaluator.account);
  const judge = new Judge(evaluator, ledger, '');
  const calls = new Calls(await deployedIn(aws, { stack: STACK, assembly, name: 'staging' }), judge, () => proxy.url);
  const emulator = aws.variables.AWS_ENDPOINT_URL ?? '';
  const proxy = await startProxy({ evaluator, ledger, emulator, invoke: (name, event) => calls.runNamed(name, event) });
  try {
    const operator = new Operator(aws);
    await operator.create('officernd/production', {});
    await operator.does('secretsmanager:CreateSecret', {
      ...{ Name: 'staging/officernd/test', SecretString: '{}', ClientRequestToken: crypto.randomUUID() },
    });
    const { result } = await calls.tick('watch');
    const { added, problems } = result as { readonly added: unknown; readonly problems: unknown };
    assert.deepEqual([added, problems], [['officernd/test'], []]);
    assert.deepEqual(ledger.refused, []);
  } finally {
    proxy.close();
  }
};
