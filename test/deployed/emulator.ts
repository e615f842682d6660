import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEmulator } from '../kit/emulator.ts';

const run = promisify(execFile);

/** The settings of a stage: more context, and definitions in its folder `providers`. */
export interface StageSettings {
  readonly context: Readonly<Record<string, string>>;
  readonly definitions?: readonly { readonly id: string }[];
}

/** A running local AWS. */
export interface LocalAws {
  /** The environment variables that lead to it. */
  readonly variables: Readonly<Record<string, string>>;
  /** Deploys a stack of the app in a folder, with its own settings; returns the output. */
  deploy(folder: string, stack: string, settings?: StageSettings): Promise<string>;
  /** One call of the AWS CLI. */
  call<T>(...call: readonly string[]): Promise<T>;
  down(): Promise<void>;
}

/** Starts the local AWS from a script, on its own port. */
export const startLocalAws = async (script: string): Promise<LocalAws> => {
  const emulator = await startEmulator(script);
  if (typeof emulator === 'string') throw new Error(emulator);
  const { variables } = emulator;
  return {
    variables,
    deploy: async (app, stack, settings) => {
      const cwd = settings ? await folderOf(app, settings) : app;
      try {
        return await emulator.script(['deploy', stack], cwd);
      } finally {
        if (cwd !== app) await rm(cwd, { recursive: true, force: true });
      }
    },
    call: async (...call) => {
      const options = { env: { ...process.env, ...variables }, maxBuffer: 2 ** 26 };
      // The address is repeated: for queues the CLI would follow the queue's own address.
      const endpoint = ['--endpoint-url', variables.AWS_ENDPOINT_URL ?? ''];
      return JSON.parse((await run('aws', [...call, ...endpoint, '--output', 'json'], options)).stdout || 'null');
    },
    down: emulator.stop,
  };
};

/** A folder with the same app as another one, and its own settings. Synthesis writes to the app's `cdk.out`. */
const folderOf = async (app: string, { context, definitions = [] }: StageSettings): Promise<string> => {
  const cwd = await mkdtemp(join(tmpdir(), 'deploy-'));
  const settings = JSON.parse(await readFile(join(app, 'cdk.json'), 'utf8'));
  const changed = {
    ...settings,
    app: settings.app.replace(/\S+\.ts$/, (file: string) => join(app, file)),
    ...(settings.build && { build: `${settings.build} --prefix ${app}` }),
    output: join(app, 'cdk.out'),
    context: { ...settings.context, ...context },
  };
  await writeFile(join(cwd, 'cdk.json'), JSON.stringify(changed));
  await mkdir(join(cwd, 'providers'));
  for (const each of definitions) await writeFile(join(cwd, 'providers', `${each.id}.json`), JSON.stringify(each));
  await symlink(join(import.meta.dirname, '../../node_modules'), join(cwd, 'node_modules'));
  return cwd;
};

/** The physical ids of a stack's resources by their logical ones. */
export const physicalIdsOf = async (aws: LocalAws, stack: string): Promise<ReadonlyMap<string, string>> => {
  interface Listed {
    readonly StackResourceSummaries: readonly {
      readonly LogicalResourceId: string;
      readonly PhysicalResourceId: string;
    }[];
  }
  const { StackResourceSummaries } = await aws.call<Listed>(
    'cloudformation',
    'list-stack-resources',
    '--stack-name',
    stack,
  );
  return new Map(StackResourceSummaries.map(each => [each.LogicalResourceId, each.PhysicalResourceId]));
};

/** The physical id of the only resource with this beginning of its logical id. */
export const physicalIdOf = (resources: ReadonlyMap<string, string>, prefix: RegExp): string => {
  const found = [...resources].filter(([id]) => prefix.test(id));
  const [[, physical] = []] = found;
  if (found.length !== 1 || physical === undefined) throw new Error(`${found.length} resources match ${prefix}`);
  return physical;
};
