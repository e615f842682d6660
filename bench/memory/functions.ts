import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import * as z from 'zod';
import { TokenRefresherStack } from '../../infra/stack.ts';
import type { FunctionName } from '../../infra/staged-function.ts';
import type { TableNames } from '../../lib/aws/keys.ts';
import { bundlesOf } from '../../test/deployed/bundle.ts';
import { Resolver, type Template } from '../../test/iam/stacks.ts';
import { messageOf, own } from './process.ts';
import { MEASURED_PROVIDER, PROVIDER_HOST } from './scenario.ts';

const STACK = 'TokenRefresher';
const PLACE = { partition: 'aws', region: 'us-east-1', account: '123456789012' };

/** Their logical ids. */
const ids: Readonly<Record<FunctionName, RegExp>> = {
  watch: /^TokenRefresherWatch/,
  refresh: new RegExp(`^TokenRefresherRefresh${MEASURED_PROVIDER}`),
  api: /^TokenRefresherApi/,
};

/** A synthesized function. */
export interface Synthesized {
  readonly name: FunctionName;
  readonly bundle: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly memory: number;
}

const propertiesSchema = z.object({
  MemorySize: z.number(),
  Timeout: z.number(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
});

const synthesize = async (): Promise<readonly [string, Template]> => {
  const outdir = await mkdtemp(join(tmpdir(), 'memory-'));
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));
  // As the CLI does: writes the paths of the bundles into the template.
  const app = new App({ context: { ...context, 'aws:cdk:enable-asset-metadata': true }, outdir });
  new TokenRefresherStack(app, STACK, {});
  app.synth();
  return [outdir, JSON.parse(await readFile(join(outdir, `${STACK}.template.json`), 'utf8'))];
};

/** The three functions of `cdk synth`: bundles, environments, memory and timeouts. */
export const synthesizedFunctions = async (): Promise<readonly Synthesized[]> => {
  const [assembly, template] = await synthesize();
  const bundles = await bundlesOf(assembly, STACK);
  const stack = { template, physical: (id: string) => id };
  const resolver = new Resolver(PLACE, [stack]);
  return (['watch', 'refresh', 'api'] as const).map(name => {
    const [id = '', bundle = ''] = [...bundles].find(each => ids[name].test(each[0])) ?? [];
    const properties = propertiesSchema.parse(resolver.value(stack, template.Resources[id]?.Properties));
    const { Timeout: timeout, MemorySize: memory, Environment } = properties;
    return { name, bundle, environment: Environment.Variables, timeout, memory };
  });
};

export const tablesOf = (functions: readonly Synthesized[]): TableNames => {
  const { TOKENS_TABLE = '', CONNECTIONS_TABLE = '' } = functions[0]?.environment ?? {};
  return { tokens: TOKENS_TABLE, connections: CONNECTIONS_TABLE };
};

/** Node's arguments for a memory size, as in the bootstrap of Lambda's Node.js runtimes. */
const nodeArguments = (memory: number): string[] => {
  const young = Math.floor(memory / 10);
  const semiSpace = `--max-semi-space-size=${Math.floor(young / 2)}`;
  return ['--expose-gc', '--max-http-header-size=81920', semiSpace, `--max-old-space-size=${memory - young}`];
};

/** The ports of the simulated AWS and provider, and the certificate to trust. */
export interface SimulatedEndpoints {
  readonly aws: number;
  readonly provider: number;
  readonly certificate: string;
}

/** A function in its own process, as in Lambda. */
export class RunningFunction {
  readonly name: FunctionName;
  readonly idle: number;
  readonly #child: ChildProcess;

  private constructor(name: FunctionName, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.idle = this.#memory('VmRSS');
  }

  static async start(
    { name, bundle, environment, timeout, memory }: Synthesized,
    endpoints: SimulatedEndpoints,
  ): Promise<RunningFunction> {
    const env = {
      ...environment,
      PROVIDER_HOST,
      NODE_EXTRA_CA_CERTS: endpoints.certificate,
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
      AWS_REGION: PLACE.region,
      AWS_ACCESS_KEY_ID: 'made-up',
      AWS_SECRET_ACCESS_KEY: 'made-up',
      AWS_ENDPOINT_URL: `https://127.0.0.1:${endpoints.aws}`,
      AWS_ENDPOINT_URL_EVENTBRIDGE: `https://127.0.0.1:${endpoints.provider}`,
      PATH: process.env.PATH ?? '',
    };
    const host = fileURLToPath(new URL('host.cjs', import.meta.url));
    // Its log is dropped. Node's own reports, for example of a full heap, are shown.
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as ['ignore', 'ignore', 'inherit', 'ipc'];
    const child = own(fork(host, [bundle, String(timeout)], { env, execArgv: nodeArguments(memory), stdio }));
    await messageOf(child);
    await sleep(1000);
    return new RunningFunction(name, child);
  }

  /** `ahead`: how far its clock is in the future, in milliseconds. */
  async invoke(event: unknown, ahead = 0): Promise<unknown> {
    const answer = messageOf(this.#child);
    this.#child.send({ event, ahead });
    const { result, error } = (await answer) as { readonly result?: unknown; readonly error?: string };
    if (error !== undefined) throw new Error(`${this.name}: ${error}`);
    return result;
  }

  /** The peak memory, in MB, while `work` runs. */
  async peakOf(work: () => Promise<void>): Promise<number> {
    // Reset the peak to the current value.
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5');
    await work();
    return this.#memory('VmHWM');
  }

  async end(): Promise<void> {
    const gone = new Promise(resolve => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await gone;
  }

  #memory(line: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(new RegExp(`^${line}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  }
}
