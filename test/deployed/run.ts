import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { epochMs } from '../../lib/core/types.ts';
import { providerIds } from '../../lib/providers/index.ts';
import { startSimulators } from '../../local/simulators/server.ts';
import { Evaluator } from '../iam/evaluate.ts';
import { PermissionLedger } from '../iam/ledger.ts';
import { readersTemplate } from '../iam/readers.ts';
import { unusedOnPurpose } from '../iam/unused.ts';
import { deployedAccount } from './account.ts';
import { type Deployed, DeployedCalls } from './calls.ts';
import { runCycle } from './cycle.ts';
import { deployedIn, functionsOf, one } from './deployed.ts';
import { deploymentOf } from './deployment.ts';
import { type LocalAws, physicalIdsOf, startLocalAws } from './emulator.ts';
import { Judge } from './judge.ts';
import { AccountOperator } from './operator.ts';
import { checkProperties } from './properties.ts';
import { startIamProxy } from './proxy.ts';
import { checkRefusals } from './refusals.ts';
import { checkStages } from './stages.ts';

/**
 * Deploys to a local AWS, checks the deployment, and runs the deployed bundles for a full cycle. The deployed policies
 * judge each call of AWS. EMULATOR is the script that starts such an AWS. Not proven here: signatures are not verified,
 * schedules do not fire, and functions run in processes of this machine.
 */
const main = async (script: string): Promise<void> => {
  const aws = await startLocalAws(script);
  try {
    const { KeyMetadata } = await aws.call<{ readonly KeyMetadata: { readonly Arn: string } }>('kms', 'create-key');
    const root = folder('../..');
    const created = (await aws.deploy(root, 'TokenRefresher', { context: { secretsKeys: KeyMetadata.Arn } })).match(
      /^created .*$/m,
    )?.[0];
    say(`TokenRefresher deployed: ${created}`);
    const resources = await physicalIdsOf(aws, 'TokenRefresher');
    say(await checkProperties(aws, resources, await deploymentOf(aws), providerIds));
    const example = folder('../../examples/lambda');
    await aws.deploy(example, 'Consumer');
    say('Consumer deployed, with what TokenRefresher exports');
    await judged(aws, { TokenRefresher: `${root}/cdk.out`, Consumer: `${example}/cdk.out` }, KeyMetadata.Arn);
    await checkStages(aws, root, KeyMetadata.Arn);
    say('a second deployment, by another name, has parts of its own, and each discovers its own secrets');
    say(
      'the second one also serves a provider of its own, which is a file: a function renews its token, the API serves it',
    );
  } finally {
    await aws.down();
  }
};

/** The address of the simulators for the bundles: a deployment only calls public addresses. */
const SIMULATORS = 'https://simulators.example';
const reroute: (origin: string, target: string) => void = createRequire(import.meta.url)('../kit/reroute.cjs');

/** The cycle behind the evaluator of the deployed policies, and the tables of allowed and refused calls. */
const judged = async (
  aws: LocalAws,
  assemblies: Readonly<Record<string, string>>,
  secretsKey: string,
): Promise<void> => {
  // IAM policies of roles can be evaluated without deploying the roles.
  const readers = { template: readersTemplate(), physical: (id: string) => id };
  const account = await deployedAccount(aws, assemblies, [readers]);
  const evaluator = new Evaluator(account);
  const ledger = new PermissionLedger(account);
  const judge = new Judge(evaluator, ledger, secretsKey);
  const chance = { now: () => epochMs(Date.now()), scale: 1, random: Math.random };
  const simulators = await startSimulators({ ...chance, publicUrl: SIMULATORS });
  reroute(SIMULATORS, simulators.url);
  process.env.SIMULATORS = simulators.url;
  const calls = new DeployedCalls(await deployedWithConsumer(aws, assemblies), judge, () => proxy.url);
  const proxy = await startIamProxy({
    evaluator,
    ledger,
    emulator: aws.variables.AWS_ENDPOINT_URL ?? '',
    invoke: (name, event) => calls.runNamed(name, event),
  });
  try {
    await runCycle({ calls, operator: new AccountOperator(aws), proxy, simulators: SIMULATORS, say, records });
    const refusals = await checkRefusals(judge, proxy.url);
    say(`${refusals.length} calls that must be refused were refused, and their twins allowed`);
    console.log(['ALLOWED: how often, by whom, what, on what', ...ledger.table()].join('\n'));
    console.log(['REFUSED: by whom, what, on what, what it is', ...refusals].join('\n'));
  } finally {
    proxy.close();
    await simulators.close();
    failIfAny('refused, and needed', ledger.refused);
  }
  failIfAny('allowed, and of no use', ledger.unused(unusedOnPurpose));
};

const deployedWithConsumer = async (aws: LocalAws, assemblies: Readonly<Record<string, string>>): Promise<Deployed> => {
  const deployed = await deployedIn(aws, { stack: 'TokenRefresher', assembly: assemblies.TokenRefresher ?? '' });
  const theirs = await functionsOf(aws, await deploymentOf(aws), assemblies.Consumer ?? '', 'Consumer');
  return { ...deployed, consumer: one(theirs, /Invoices/) };
};

const failIfAny = (what: string, faults: readonly string[]): void => {
  if (faults.length === 0) return;
  process.exitCode = 1;
  console.error([`FAILED: ${what}`, ...new Set(faults)].join('\n  '));
};

const folder = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const began = Date.now();
const say = (line: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`);

/** With `--record`, writes the sent mails into docs/runbook.md. */
const records = process.argv.includes('--record');
const script = process.env.EMULATOR;
if (script) await main(script);
else console.log('EMULATOR does not name the script of a local AWS: nothing was deployed.');
