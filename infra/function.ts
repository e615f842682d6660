import { resolve } from 'node:path';
import { Duration, RemovalPolicy, Stage } from 'aws-cdk-lib';
import { type IRole, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  type IFunction,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { type ILogGroup, LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { DefinitionData } from '../lib/definition/schema.ts';
import type { Network } from './network.ts';
import { type FunctionName, stagedFunction } from './staged-function.ts';
import { allow } from './statements.ts';

/** What every function has in common. */
export interface FunctionContext {
  readonly logRetention: RetentionDays;
  /** Receives events that failed finally. */
  readonly deadLetters: IQueue;
}

export interface BundledFunctionProps extends Pick<FunctionContext, 'logRetention'> {
  /** Only for asynchronous functions: a synchronous caller gets the error itself. */
  readonly deadLetters?: IQueue;
  readonly source: FunctionName;
  /** Only for a function that calls a provider. */
  readonly definition?: DefinitionData;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeout: Duration;
  readonly reservedConcurrency?: number | undefined;
  /** Only for functions that call providers. */
  readonly network?: Network | undefined;
}

export interface BundledFunction {
  readonly fn: IFunction;
  readonly role: IRole;
  readonly logGroup: ILogGroup;
}

/**
 * Saves memory: otherwise glibc gives each thread of Node an arena of its own, which keeps what the thread freed
 * (`M_ARENA_MAX` in https://man7.org/linux/man-pages/man3/mallopt.3.html).
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '1' } as const;

/** Makes every function, with its own log group and its own role, which may write only there. */
export const bundledFunction = (scope: Construct, id: string, props: BundledFunctionProps): BundledFunction => {
  const { source, description, environment, timeout, logRetention, deadLetters, reservedConcurrency, network } = props;
  const { definition } = props;
  // Logs hold codes and names, no state: they are deleted with the stack.
  const logGroup = new LogGroup(scope, `${id}Logs`, { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY });
  const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description });
  logGroup.grantWrite(role);
  network?.grantInterfaces(role);
  if (deadLetters) role.addToPrincipalPolicy(allow('sqs:SendMessage', deadLetters.queueArn));
  const fn = new LambdaFunction(scope, `${id}Function`, {
    description,
    code: Code.fromAsset(stagedFunction(outputOf(scope), source, definition)),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    timeout,
    environment: { ...ALLOCATOR, ...environment },
    role,
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    // Otherwise Lambda adds its own log lines to each invocation, which any caller can cause. The code's own lines stay
    // at INFO: metrics are lines without a level and count as INFO.
    systemLogLevelV2: SystemLogLevel.WARN,
    ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
    ...(network && placeIn(network)),
    ...(deadLetters && {
      // The next tick comes anyway. Retry once: a momentary fault should not become a dead letter.
      retryAttempts: 1,
      maxEventAge: Duration.minutes(5),
      onFailure: { bind: () => ({ destination: deadLetters.queueArn }) },
    }),
  });
  return { fn, role, logGroup };
};

const placeIn = ({ vpc, vpcSubnets, securityGroups }: Network) => ({
  vpc,
  ...(vpcSubnets && { vpcSubnets }),
  securityGroups: [...securityGroups],
});

const outputOf = (scope: Construct): string => resolve(Stage.of(scope)?.assetOutdir ?? '.');
