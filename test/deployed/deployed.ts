import { bundlesOf, type DeployedFunction } from './bundle.ts';
import type { Deployed } from './calls.ts';
import { deploymentOf, type RunnableDeployment, schedulesByName } from './deployment.ts';
import { type LocalAws, physicalIdOf, physicalIdsOf } from './emulator.ts';

/** A deployment in the form that calls need; its own API stands for a consumer. */
export const deployedIn = async (
  aws: LocalAws,
  { stack, assembly, name }: { readonly stack: string; readonly assembly: string; readonly name?: string },
): Promise<Deployed> => {
  const deployment = await deploymentOf(aws, name);
  const ours = await functionsOf(aws, deployment, assembly, stack);
  const refreshers = new Map(
    [...ours.values()].flatMap(fn => (fn.environment.PROVIDER ? [[fn.environment.PROVIDER, fn] as const] : [])),
  );
  const id = physicalIdOf(await physicalIdsOf(aws, stack), /ApiHttpApi[0-9A-F]{8}$/);
  const { Items } = await aws.call<{ readonly Items: readonly { readonly RouteKey: string }[] }>(
    ...['apigatewayv2', 'get-routes', '--api-id', id],
  );
  return {
    watch: one(ours, /WatchFunction/),
    api: one(ours, /ApiFunction/),
    consumer: one(ours, /ApiFunction/),
    refreshers,
    schedules: schedulesByName(deployment),
    routes: Items.map(({ RouteKey }) => RouteKey),
    aws,
  };
};

/** A stack's functions by their logical ids, with the deployed bundles. */
export const functionsOf = async (
  aws: LocalAws,
  { functions }: RunnableDeployment,
  assembly: string,
  stack: string,
): Promise<ReadonlyMap<string, DeployedFunction>> => {
  const resources = await physicalIdsOf(aws, stack);
  const bundles = await bundlesOf(assembly, stack);
  const entries = [...bundles].map(([id, bundle]) => {
    const configuration = functions.get(physicalIdOf(resources, new RegExp(`^${id}$`)));
    if (!configuration) throw new Error(`${id} is not deployed`);
    const { FunctionName: name, Environment, Timeout: timeout } = configuration;
    return [id, { name, bundle, environment: Environment.Variables, timeout }] as const;
  });
  return new Map(entries);
};

export const one = (functions: ReadonlyMap<string, DeployedFunction>, pattern: RegExp): DeployedFunction => {
  const [found] = [...functions].filter(([id]) => pattern.test(id));
  if (!found) throw new Error(`no function matches ${pattern}`);
  return found[1];
};
