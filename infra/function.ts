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
  /** Where events go that were given up. */
  readonly deadLetters: IQueue;
}

export interface BundledFunctionProps extends Pick<FunctionContext, 'logRetention'> {
  /** Only for a function that is invoked asynchronously: a caller that waits gets the error itself. */
  readonly deadLetters?: IQueue;
  /** The folder below `functions`. */
  readonly source: 'refresh' | 'watch' | 'api';
  /** What `#definition` is in the bundle: of a function that calls a provider. */
  readonly definition?: DefinitionData;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeout: Duration;
  readonly reservedConcurrency?: number | undefined;
  /** Only for a function that calls providers. */
  readonly network?: Network | undefined;
}

export interface BundledFunction {
  readonly fn: IFunction;
  readonly role: IRole;
  readonly logGroup: ILogGroup;
}

/** Sources here, and compiled ones where this is an installed package. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entryOf = (source: string): string => {
  const typescript = join(root, 'functions', source, 'index.ts');
  return existsSync(typescript) ? typescript : join(root, 'functions', source, 'index.js');
};

/** The one way to make a function: its own log group, and its own role, which may write there and nowhere else. */
export const bundledFunction = (scope: Construct, id: string, props: BundledFunctionProps): BundledFunction => {
  const { source, description, environment, timeout, logRetention, deadLetters, reservedConcurrency, network } = props;
  const { definition } = props;
  const bundle = definition ? `${source}-${definition.id}` : source;
  // Logs hold codes and names, no state: they end with the stack.
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
    // Nothing is installed for a bundle, so that no lock file is read; without one named here, one is searched for.
    depsLockFilePath: entry,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    timeout,
    environment: { ...environment },
    role,
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    // Otherwise Lambda writes lines of its own for each invocation, and whoever asks for anything causes some. What
    // the code writes stays at INFO: metrics are lines without a level, and count as that.
    systemLogLevelV2: SystemLogLevel.WARN,
    ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
    ...(network && placeIn(network)),
    ...(deadLetters && {
      // The next tick comes anyway. Once more, so that one fault of a moment is no dead letter.
      retryAttempts: 1,
      maxEventAge: Duration.minutes(5),
      onFailure: { bind: () => ({ destination: deadLetters.queueArn }) },
    }),
    // CommonJS starts faster than ESM here, and the `module` entries of packages bundle smaller.
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

/** A bundle with this definition, and with `jose` only if that has something signed. */
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

/** Source maps stay here, in `cdk.out/source-maps`: a function that loads its own starts 13 % slower. */
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
