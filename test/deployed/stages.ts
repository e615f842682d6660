import assert from 'node:assert/strict';
import { providerIds } from '../../lib/providers/index.ts';
import type { DiscoverReport } from '../../lib/shell/discover.ts';
import { Evaluator } from '../iam/evaluate.ts';
import { Ledger } from '../iam/ledger.ts';
import { deployedAccount } from './account.ts';
import { Calls, type Deployed } from './calls.ts';
import { deployedIn } from './deployed.ts';
import { idOf, type LocalAws, resourcesOf } from './emulator.ts';
import { Judge } from './judge.ts';
import { Operator } from './operator.ts';
import { startProxy } from './proxy.ts';

const SECOND = { stack: 'TokenRefresher-staging', name: 'staging' };
const CREDENTIALS = { clientId: 'made-up', clientSecret: 'made-up' };

/**
 * Deploys a second stage beside the first one, with functions, tables and schedules of its own. Then there is a secret of
 * each: the watch of each adds its own, and neither needs a call that its policies refuse. That no role of one reaches the
 * secrets of the other is evaluated in test/infra/stages.test.ts.
 */
export const checkStages = async (aws: LocalAws, root: string, secretsKey: string): Promise<void> => {
  const assembly = `${root}/cdk.out`;
  // The second deployment replaces what is in the folder.
  const first = await stageOf(aws, { stack: 'TokenRefresher', assembly }, secretsKey);
  await aws.deploy(root, SECOND.stack, { name: SECOND.name });
  const second = await stageOf(aws, { ...SECOND, assembly }, secretsKey);
  await checkParts(aws, second.deployed);

  await new Operator(aws).create('officernd/production-desks', CREDENTIALS);
  await new Operator(aws, SECOND.name).create('officernd/test', CREDENTIALS);
  assert.deepEqual(await second.look(), onlyAdded('officernd/test'));
  assert.deepEqual(await first.look(), onlyAdded('officernd/production-desks'));
};

const checkParts = async (aws: LocalAws, { watch, schedules }: Deployed): Promise<void> => {
  const { DEPLOYMENT, TOKENS_TABLE } = watch.environment;
  const table = idOf(await resourcesOf(aws, SECOND.stack), /StorageTokens/);
  assert.deepEqual([DEPLOYMENT, TOKENS_TABLE], [SECOND.name, table]);
  assert.equal(schedules.size, providerIds.length + 1);
};

interface Stage {
  readonly deployed: Deployed;
  /** One run of its watch, behind the policies that were deployed with it; a call that they refuse is an error. */
  look(): Promise<unknown>;
}

const stageOf = async (
  aws: LocalAws,
  stage: { readonly stack: string; readonly assembly: string; readonly name?: string },
  secretsKey: string,
): Promise<Stage> => {
  const account = await deployedAccount(aws, { [stage.stack]: stage.assembly });
  const evaluator = new Evaluator(account);
  const ledger = new Ledger(account);
  const deployed = await deployedIn(aws, stage);
  const look = async () => {
    const emulator = aws.variables.AWS_ENDPOINT_URL ?? '';
    const invoke = (name: string) => Promise.reject(new Error(`the watch invokes ${name}`));
    const proxy = await startProxy({ evaluator, ledger, emulator, invoke });
    try {
      const calls = new Calls(deployed, new Judge(evaluator, ledger, secretsKey), () => proxy.url);
      return (await calls.tick('watch')).result;
    } finally {
      proxy.close();
      assert.deepEqual(ledger.refused, [], `${stage.stack}: refused, and needed`);
    }
  };
  return { deployed, look };
};

/** What a watch reports if there is one secret, which is new. */
const onlyAdded = (connection: string): Omit<DiscoverReport, 'added'> & { readonly added: readonly string[] } => ({
  ...{ secrets: 1, read: 1, connections: 1, added: [connection] },
  ...{ changed: [], revived: [], retired: [], removed: [], problems: [], failures: [] },
});
