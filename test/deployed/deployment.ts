import { DEFAULT_NAME } from '../../lib/core/deployment.ts';
import type { LocalAws } from './emulator.ts';

export interface DeployedSchedule {
  readonly Name: string;
  readonly GroupName: string;
  readonly Description: string;
  readonly State: string;
  readonly ScheduleExpression: string;
  readonly FlexibleTimeWindow: { readonly Mode: string };
  readonly Target: {
    readonly Input: string;
    readonly Arn: string;
    readonly RoleArn: string;
    readonly RetryPolicy: { readonly MaximumRetryAttempts: number };
    readonly DeadLetterConfig: { readonly Arn: string };
  };
}

export interface DeployedConfiguration {
  readonly FunctionName: string;
  readonly Runtime: string;
  readonly Timeout: number;
  readonly Environment: { readonly Variables: Readonly<Record<string, string>> };
}

/** The runnable parts: the functions by name, and the schedules. */
export interface RunnableDeployment {
  readonly functions: ReadonlyMap<string, DeployedConfiguration>;
  readonly schedules: readonly DeployedSchedule[];
}

/** The parts of the deployment with this name; the functions of all deployments. */
export const deploymentOf = async (aws: LocalAws, name = DEFAULT_NAME): Promise<RunnableDeployment> => {
  const [{ Functions }, { Schedules }] = await Promise.all([
    aws.call<{ Functions: DeployedConfiguration[] }>('lambda', 'list-functions'),
    aws.call<{ Schedules: { Name: string; GroupName: string }[] }>('scheduler', 'list-schedules', '--group-name', name),
  ]);
  const schedules = Schedules.map(({ Name, GroupName }) =>
    aws.call<DeployedSchedule>('scheduler', 'get-schedule', '--name', Name, '--group-name', GroupName),
  );
  return {
    functions: new Map(Functions.map(each => [each.FunctionName, each])),
    schedules: await Promise.all(schedules),
  };
};

/** The schedules by purpose. */
export const schedulesByName = ({ schedules }: RunnableDeployment): ReadonlyMap<string, DeployedSchedule> =>
  new Map(schedules.map(each => [each.Description.replace(/^[a-z0-9-]+: /, ''), each]));
