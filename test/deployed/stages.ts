import assert from 'node:assert/strict';
import { epochMs } from '../../lib/core/types.ts';
import { providerFromData } from '../../lib/definition/from-file.ts';
import type { DiscoverReport } from '../../lib/discovery/discover.ts';
import { providerIds } from '../../lib/providers/index.ts';
import type { SweepReport } from '../../lib/refresh/sweep.ts';
import { madeUpAccount } from '../../local/simulators/generic/made-up.ts';
import { startSimulators } from '../../local/simulators/server.ts';
import { Evaluator } from '../iam/evaluate.ts';
import { PermissionLedger } from '../iam/ledger.ts';
import { deployedAccount } from './account.ts';
import { type Deployed, DeployedCalls } from './calls.ts';
import { deployedIn } from './deployed.ts';
import { type LocalAws, physicalIdOf, physicalIdsOf } from './emulator.ts';
import { Judge } from './judge.ts';
import { AccountOperator } from './operator.ts';
import { startIamProxy } from './proxy.ts';

/** The address of the simulators for the bundles, as in `run.ts`. */
const SIMULATORS = 'https://simulators.example';
const SECOND = { stack: 'TokenRefresher-staging', name: 'staging' };
const CREDENTIALS = { clientId: 'made-up', clientSecret: 'made-up' };

/**
 * Deploys a second stage next to the first one, with its own functions, tables and schedules. Then each stage gets a
 * secret: each watch adds its own, and neither needs a call that its policies refuse. test/infra/stages.test.ts checks
 * that no role of one stage can read the secrets of the other.
 */
export const checkStages = async (aws: LocalAws, root: string, secretsKey: string): Promise<void> => {
  const assembly = `${root}/cdk.out`;
  // The second deployment replaces the content of the folder.
  const first = await stageOf(aws, { stack: 'TokenRefresher', assembly }, secretsKey);
  await aws.deploy(root, SECOND.stack, { context: { name: SECOND.name }, definitions: [HAFNIA] });
  const second = await stageOf(aws, { ...SECOND, assembly }, secretsKey);
  await checkParts(aws, second.deployed);

  await new AccountOperator(aws).create('officernd/production-desks', CREDENTIALS);
  await new AccountOperator(aws, SECOND.name).create('officernd/test', CREDENTIALS);
  assert.deepEqual(await second.look(), onlyAdded('officernd/test'));
  assert.deepEqual(await first.look(), onlyAdded('officernd/production-desks'));
  await checkOwnProvider(aws, second);
};

/** A provider that is only a file next to the app. */
const HAFNIA = {
  id: 'hafnia',
  title: 'Hafnia',
  source: 'made up',
  lifetime: '30m',
  fields: { key: { purpose: 'the key' }, tenant: { purpose: 'the tenant' } },
  base: 'https://login.hafnia.example',
  login: [
    { url: '{base}/code', json: { key: '{key}', tenant: '{tenant}' } },
    { url: '{base}/token', json: { code: '{answer.code}' } },
  ],
  refresh: { url: '{base}/token', json: { renewal: '{refreshToken}' } },
  sessionOf: ['tenant'],
  answer: { token: 'data.token', refreshToken: 'data.renewal', expiry: { path: 'data.until', as: 'date' } },
  consumer: { headers: { 'X-Hafnia': '{token}' }, baseUrl: '{base}/api' },
  hosts: ['login.hafnia.example'],
};

/** Its functions discover, obtain and serve it, with the policies that were deployed for it. */
const checkOwnProvider = async (aws: LocalAws, { behind, look }: Stage): Promise<void> => {
  const provider = providerFromData(HAFNIA);
  const account = madeUpAccount(provider, 'acme');
  const chance = { now: () => epochMs(Date.now()), scale: 1, random: Math.random };
  const simulators = await startSimulators({
    ...chance,
    publicUrl: SIMULATORS,
    accounts: [account],
    defined: [provider],
  });
  process.env.SIMULATORS = simulators.url;
  try {
    const secret = { ...account.fields, baseUrl: `${SIMULATORS}/hafnia` };
    await new AccountOperator(aws, SECOND.name).create('hafnia/acme', secret);
    assert.deepEqual(await look(), { ...onlyAdded('hafnia/acme'), secrets: 2, connections: 2 });
    await behind(async calls => {
      const { result } = await calls.tick('refresh-hafnia');
      assert.equal((result as SweepReport).results.refreshed, 1);
      const rawPath = '/tokens/hafnia/acme';
      const event = { version: '2.0', rawPath, requestContext: { http: { method: 'GET', path: rawPath } } };
      const { body } = (await calls.run(calls.deployed.api, event)).result as { readonly body: string };
      const { headers, baseUrl } = JSON.parse(body);
      assert.deepEqual([Object.keys(headers), baseUrl], [['X-Hafnia'], `${SIMULATORS}/hafnia/api`]);
    });
  } finally {
    await simulators.close();
  }
};

const checkParts = async (aws: LocalAws, { watch, schedules }: Deployed): Promise<void> => {
  const { DEPLOYMENT, TOKENS_TABLE } = watch.environment;
  const table = physicalIdOf(await physicalIdsOf(aws, SECOND.stack), /StorageTokens/);
  assert.deepEqual([DEPLOYMENT, TOKENS_TABLE], [SECOND.name, table]);
  assert.equal(schedules.size, providerIds.length + 2);
};

interface Stage {
  readonly deployed: Deployed;
  /** Calls its functions, behind its deployed policies; a refused call is an error. */
  behind<T>(work: (calls: DeployedCalls) => Promise<T>): Promise<T>;
  /** One run of its watch. */
  look(): Promise<unknown>;
}

const stageOf = async (
  aws: LocalAws,
  stage: { readonly stack: string; readonly assembly: string; readonly name?: string },
  secretsKey: string,
): Promise<Stage> => {
  const account = await deployedAccount(aws, { [stage.stack]: stage.assembly });
  const evaluator = new Evaluator(account);
  const ledger = new PermissionLedger(account);
  const deployed = await deployedIn(aws, stage);
  const behind = async <T>(work: (calls: DeployedCalls) => Promise<T>): Promise<T> => {
    const emulator = aws.variables.AWS_ENDPOINT_URL ?? '';
    const invoke = (name: string) => Promise.reject(new Error(`the watch invokes ${name}`));
    const proxy = await startIamProxy({ evaluator, ledger, emulator, invoke });
    try {
      return await work(new DeployedCalls(deployed, new Judge(evaluator, ledger, secretsKey), () => proxy.url));
    } finally {
      proxy.close();
      assert.deepEqual(ledger.refused, [], `${stage.stack}: refused, and needed`);
    }
  };
  return { deployed, behind, look: () => behind(async calls => (await calls.tick('watch')).result) };
};

/** The report of a watch that finds one new secret. */
const onlyAdded = (connection: string): Omit<DiscoverReport, 'added'> & { readonly added: readonly string[] } => ({
  ...{ secrets: 1, read: 1, connections: 1, added: [connection] },
  ...{ changed: [], revived: [], retired: [], removed: [], problems: [], failures: [] },
});
