import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { epochMs } from '../../lib/core/types.ts';
import { providerIds } from '../../lib/providers/index.ts';
import { startSimulators } from '../../local/simulators/server.ts';
import { Evaluator } from '../iam/evaluate.ts';
import { Ledger } from '../iam/ledger.ts';
import { unusedOnPurpose } from '../iam/unused.ts';
import { deployedAccount } from './account.ts';
import { bundlesOf, type DeployedFunction } from './bundle.ts';
import { Calls, type Deployed } from './calls.ts';
import { runCycle } from './cycle.ts';
import { type Deployment, deploymentOf, schedulesByName } from './deployment.ts';
import { idOf, type LocalAws, resourcesOf, startLocalAws } from './emulator.ts';
import { Judge } from './judge.ts';
import { Operator } from './operator.ts';
import { checkProperties } from './properties.ts';
import { startProxy } from './proxy.ts';
import { checkRefusals } from './refusals.ts';

/**
 * Deploys to a local AWS, checks what is there, and runs the bundles that were deployed for a full cycle, each call of
 * AWS judged by the policies that were deployed. EMULATOR is the script that starts such an AWS. What this does not
 * prove: signatures are not verified, schedules do not fire, and functions run in processes of this machine.
 */
const main = async (script: string): Promise<void> => {
  const aws = await startLocalAws(script);
  try {
    const { KeyMetadata } = await aws.ask<{ readonly KeyMetadata: { readonly Arn: string } }>('kms', 'create-key');
    const root = folder('../..');
    const created = (await aws.deploy(root, 'TokenRefresher', { secretsKeys: KeyMetadata.Arn })).match(
      /^created .*$/m,
    )?.[0];
    say(`TokenRefresher deployed: ${created}`);
    const resources = await resourcesOf(aws, 'TokenRefresher');
    say(await checkProperties(aws, resources, await deploymentOf(aws), providerIds));
    const example = folder('../../examples/consumer');
    await aws.deploy(example, 'Consumer');
    say('Consumer deployed, with what TokenRefresher exports');
    await judged(aws, { TokenRefresher: `${root}/cdk.out`, Consumer: `${example}/cdk.out` }, KeyMetadata.Arn);
  } finally {
    await aws.down();
  }
};

/** Where the bundles find the simulators: what is deployed calls public addresses alone. */
const SIMULATORS = 'https://simulators.example';
const reroute: (origin: string, target: string) => void = createRequire(import.meta.url)('../support/reroute.cjs');

/** The cycle behind the evaluator of the deployed policies, and the tables of what was allowed and refused. */
const judged = async (
  aws: LocalAws,
  assemblies: Readonly<Record<string, string>>,
  secretsKey: string,
): Promise<void> => {
  const account = await deployedAccount(aws, assemblies);
  const evaluator = new Evaluator(account);
  const ledger = new Ledger(account);
  const judge = new Judge(evaluator, ledger, secretsKey);
  const chance = { now: () => epochMs(Date.now()), scale: 1, random: Math.random };
  const simulators = await startSimulators({ ...chance, publicUrl: SIMULATORS });
  reroute(SIMULATORS, simulators.url);
  process.env.SIMULATORS = simulators.url;
  const calls = new Calls(await deployedIn(aws, assemblies), judge, () => proxy.url);
  const proxy = await startProxy({
    evaluator,
    ledger,
    emulator: aws.variables.AWS_ENDPOINT_URL ?? '',
    invoke: (name, event) => calls.runNamed(name, event),
  });
  try {
    await runCycle({ calls, operator: new Operator(aws), proxy, simulators: SIMULATORS, say, records });
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

const failIfAny = (what: string, faults: readonly string[]): void => {
  if (faults.length === 0) return;
  process.exitCode = 1;
  console.error([`FAILED: ${what}`, ...new Set(faults)].join('\n  '));
};

const folder = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const began = Date.now();
const say = (line: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`);

const deployedIn = async (aws: LocalAws, assemblies: Readonly<Record<string, string>>): Promise<Deployed> => {
  const deployment = await deploymentOf(aws);
  const ours = await functionsOf(aws, deployment, assemblies.TokenRefresher ?? '', 'TokenRefresher');
  const theirs = await functionsOf(aws, deployment, assemblies.Consumer ?? '', 'Consumer');
  const refreshers = new Map(
    [...ours.values()].flatMap(fn => (fn.environment.PROVIDER ? [[fn.environment.PROVIDER, fn] as const] : [])),
  );
  const id = idOf(await resourcesOf(aws, 'TokenRefresher'), /ApiHttpApi[0-9A-F]{8}$/);
  const { Items } = await aws.ask<{ readonly Items: readonly { readonly RouteKey: string }[] }>(
    ...['apigatewayv2', 'get-routes', '--api-id', id],
  );
  return {
    watch: one(ours, /WatchFunction/),
    api: one(ours, /ApiFunction/),
    consumer: one(theirs, /Invoices/),
    refreshers,
    schedules: schedulesByName(deployment),
    routes: Items.map(({ RouteKey }) => RouteKey),
    aws,
  };
};

/** A stack's functions by their logical ids, with the bundles that were deployed. */
const functionsOf = async (
  aws: LocalAws,
  { functions }: Deployment,
  assembly: string,
  stack: string,
): Promise<ReadonlyMap<string, DeployedFunction>> => {
  const resources = await resourcesOf(aws, stack);
  const bundles = await bundlesOf(assembly, stack);
  const entries = [...bundles].map(([id, bundle]) => {
    const configuration = functions.get(idOf(resources, new RegExp(`^${id}$`)));
    if (!configuration) throw new Error(`${id} is not deployed`);
    const { FunctionName: name, Environment, Timeout: timeout } = configuration;
    return [id, { name, bundle, environment: Environment.Variables, timeout }] as const;
  });
  return new Map(entries);
};

const one = (functions: ReadonlyMap<string, DeployedFunction>, pattern: RegExp): DeployedFunction => {
  const [found] = [...functions].filter(([id]) => pattern.test(id));
  if (!found) throw new Error(`no function matches ${pattern}`);
  return found[1];
};

/** With `--record`, docs/runbook.md shows the mails that were sent. */
const records = process.argv.includes('--record');
const script = process.env.EMULATOR;
if (script) await main(script);
else console.log('EMULATOR does not name the script of a local AWS: nothing was deployed.');
