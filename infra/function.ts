import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy, Stage } from 'aws-cdk-lib';
import { type IRole, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type IFunction, LoggingFormat, Runtime, SystemLogLevel } from 'aws-cdk-lib/aws-lambda';
import { type ICommandHooks, NodejsFunction, SourceMapMode } from 'aws-cdk-lib/aws-lambda-nodejs';
import { type ILogGroup, LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { DefinitionData } from '../lib/definition/schema.ts';
import type { Network } from './network.ts';
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
  /** The folder below `functions`. */
  readonly source: 'refresh' | 'watch' | 'api';
  /** The content of `#definition` in the bundle, for a function that calls a provider. */
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

/** TypeScript in this repository, JavaScript in an installed package. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entryOf = (source: string): string => {
  const typescript = join(root, 'functions', source, 'index.ts');
  return existsSync(typescript) ? typescript : join(root, 'functions', source, 'index.js');
};

/** Makes every function, with its own log group and its own role, which may write only there. */
export const bundledFunction = (scope: Construct, id: string, props: BundledFunctionProps): BundledFunction => {
  const { source, description, environment, timeout, logRetention, deadLetters, reservedConcurrency, network } = props;
  const { definition } = props;
  const bundle = definition ? `${source}-${definition.id}` : source;
  // Logs hold codes and names, no state: they are deleted with the stack.
  const logGroup = new LogGroup(scope, `${id}Logs`, { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY });
  const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description });
  logGroup.grantWrite(role);
  network?.grantInterfaces(role);
  if (deadLetters) role.addToPrincipalPolicy(allow('sqs:SendMessage', deadLetters.queueArn));
  const entry = entryOf(source);
  const fn = new NodejsFunction(scope, `${id}Function`, {
    description,
    entry,
    projectRoot: root,
    // A bundle installs nothing and needs no lock file; without a path here the CDK searches for one.
    depsLockFilePath: entry,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    timeout,
    environment: { ...environment },
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
    // Here CommonJS starts faster than ESM, and the `module` entries of packages bundle smaller.
    bundling: {
      ...{ minify: true, mainFields: ['module', 'main'], bundleAwsSDK: true },
      ...{ sourceMap: true, sourceMapMode: SourceMapMode.EXTERNAL, sourcesContent: false },
      commandHooks: keepMapOf(scope, bundle),
      ...(definition && withDefinition(scope, definition)),
    },
  });
  return { fn, role, logGroup };
};

const placeIn = ({ vpc, vpcSubnets, securityGroups }: Network) => ({
  vpc,
  ...(vpcSubnets && { vpcSubnets }),
  securityGroups: [...securityGroups],
});

/** A bundle with this definition; it contains `jose` only if the definition signs assertions. */
const withDefinition = (scope: Construct, definition: DefinitionData) => {
  const folder = join(outputOf(scope), 'definitions');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${definition.id}.json`);
  writeFileSync(file, JSON.stringify({ definition }));
  return {
    esbuildArgs: { '--alias:#definition': file },
    externalModules: definition.assertion ? [] : ['jose'],
  };
};

const outputOf = (scope: Construct): string => resolve(Stage.of(scope)?.assetOutdir ?? '.');

/** Source maps stay in `cdk.out/source-maps`: a function that loads its own starts 13 % slower. */
const keepMapOf = (scope: Construct, bundle: string): ICommandHooks => {
  const maps = join(outputOf(scope), 'source-maps');
  const move = 'fs.mkdirSync(process.argv[2],{recursive:true});fs.renameSync(process.argv[1],process.argv[3])';
  return {
    beforeBundling: () => [],
    beforeInstall: () => [],
    afterBundling: (_, bundled) => {
      const files = [join(bundled, 'index.js.map'), maps, join(maps, `${bundle}.js.map`)];
      return [`node -e "${move}" ${files.map(file => JSON.stringify(file)).join(' ')}`];
    },
  };
};
