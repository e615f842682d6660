import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** A running local AWS. */
export interface LocalAws {
  /** The environment variables that lead to it. */
  readonly variables: Readonly<Record<string, string>>;
  /** Deploys a stack of the app in a folder, with more context than the app's own; what it printed. */
  deploy(folder: string, stack: string, context?: Readonly<Record<string, string>>): Promise<string>;
  /** One call of the AWS CLI. */
  ask<T>(...call: readonly string[]): Promise<T>;
  down(): Promise<void>;
}

/** Starts the local AWS whose script is given, on a port of its own. */
export const startLocalAws = async (script: string): Promise<LocalAws> => {
  const env = { ...process.env, EMULATOR_PORT: process.env.EMULATOR_PORT ?? String(await freePort()) };
  await run(script, ['up'], { env });
  const { stdout } = await run(script, ['env'], { env });
  const variables = Object.fromEntries(
    [...stdout.matchAll(/(\w+)=(\S*)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  return {
    variables,
    deploy: async (cwd, stack, context = {}) => {
      // The CDK reads context from a user's own settings too.
      const HOME = await mkdtemp(join(tmpdir(), 'home-'));
      await writeFile(join(HOME, '.cdk.json'), JSON.stringify({ context }));
      try {
        return (await run(script, ['deploy', stack], { env: { ...env, HOME }, cwd })).stdout;
      } finally {
        await rm(HOME, { recursive: true, force: true });
      }
    },
    ask: async (...call) => {
      const options = { env: { ...process.env, ...variables }, maxBuffer: 2 ** 26 };
      // Named once more, since for queues the CLI would go where their addresses lead.
      const endpoint = ['--endpoint-url', variables.AWS_ENDPOINT_URL ?? ''];
      return JSON.parse((await run('aws', [...call, ...endpoint, '--output', 'json'], options)).stdout || 'null');
    },
    down: async () => void (await run(script, ['down'], { env })),
  };
};

/** The physical ids of a stack's resources by their logical ones. */
export const resourcesOf = async (aws: LocalAws, stack: string): Promise<ReadonlyMap<string, string>> => {
  interface Listed {
    readonly StackResourceSummaries: readonly {
      readonly LogicalResourceId: string;
      readonly PhysicalResourceId: string;
    }[];
  }
  const { StackResourceSummaries } = await aws.ask<Listed>(
    'cloudformation',
    'list-stack-resources',
    '--stack-name',
    stack,
  );
  return new Map(StackResourceSummaries.map(each => [each.LogicalResourceId, each.PhysicalResourceId]));
};

/** The physical id of the one resource whose logical id begins so. */
export const idOf = (resources: ReadonlyMap<string, string>, prefix: RegExp): string => {
  const found = [...resources].filter(([id]) => prefix.test(id));
  const [[, physical] = []] = found;
  if (found.length !== 1 || physical === undefined) throw new Error(`${found.length} resources match ${prefix}`);
  return physical;
};
