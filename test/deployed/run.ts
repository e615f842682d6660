import { fileURLToPath } from 'node:url';
import { providerIds } from '../../lib/providers/index.ts';
import { bundlesOf, type DeployedFunction } from './bundle.ts';
import type { Deployed } from './calls.ts';
import { runCycle } from './cycle.ts';
import { type Deployment, deploymentOf, inputsOf } from './deployment.ts';
import { idOf, type LocalAws, resourcesOf, startLocalAws } from './emulator.ts';
import { checkProperties } from './properties.ts';

/**
 * Deploys to a local AWS, checks what is there, and runs the bundles that were deployed for a full cycle. EMULATOR is
 * the script that starts such an AWS. What this does not prove: IAM is not enforced, signatures are not verified,
 * schedules do not fire, and functions run in processes of this machine.
 */
const main = async (script: string): Promise<void> => {
  const aws = await startLocalAws(script);
  try {
    const root = folder('../..');
    const created = (await aws.deploy(root, 'TokenRefresher')).match(/^created .*$/m)?.[0];
    say(`TokenRefresher deployed: ${created}`);
    const resources = await resourcesOf(aws, 'TokenRefresher');
    say(await checkProperties(aws, resources, await deploymentOf(aws), providerIds));
    const example = folder('../../examples/consumer');
    await aws.deploy(example, 'Consumer');
    say('Consumer deployed, with what TokenRefresher exports');
    await runCycle(await deployedIn(aws, root, example), say);
  } finally {
    await aws.down();
  }
};

const folder = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const began = Date.now();
const say = (line: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`);

const deployedIn = async (aws: LocalAws, root: string, example: string): Promise<Deployed> => {
  const deployment = await deploymentOf(aws);
  const ours = await functionsOf(aws, deployment, `${root}/cdk.out`, 'TokenRefresher');
  const theirs = await functionsOf(aws, deployment, `${example}/cdk.out`, 'Consumer');
  const refreshers = new Map(
    [...ours.values()].flatMap(fn => (fn.environment.PROVIDER ? [[fn.environment.PROVIDER, fn] as const] : [])),
  );
  return {
    discover: one(ours, /DiscoverFunction/),
    api: one(ours, /ApiFunction/),
    consumer: one(theirs, /Invoices/),
    refreshers,
    inputs: inputsOf(deployment),
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

const script = process.env.EMULATOR;
if (script) await main(script);
else console.log('EMULATOR does not name the script of a local AWS: nothing was deployed.');
