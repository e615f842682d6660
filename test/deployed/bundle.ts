import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HOST = fileURLToPath(new URL('host.cjs', import.meta.url));

/** A deployed function: the path of its bundle, its environment and its timeout. */
export interface DeployedFunction {
  readonly name: string;
  readonly bundle: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeout: number;
}

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Metadata?: Readonly<Record<string, string>> }>
  >;
}

/** The bundles of a synthesized stack by the logical ids of their functions, each unpacked as Lambda would. */
export const bundlesOf = async (assembly: string, stack: string): Promise<ReadonlyMap<string, string>> => {
  const template: Template = JSON.parse(await readFile(join(assembly, `${stack}.template.json`), 'utf8'));
  const functions = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::Lambda::Function');
  // Outside of our own package.json, which would change how Node reads CommonJS.
  const task = await mkdtemp(join(tmpdir(), 'task-'));
  process.once('exit', () => rmSync(task, { recursive: true, force: true }));
  return new Map(
    await Promise.all(
      functions.map(async ([id, { Metadata }]) => {
        const folder = join(task, id);
        await cp(join(assembly, Metadata?.['aws:asset:path'] ?? ''), folder, { recursive: true });
        return [id, join(folder, 'index.js')] as const;
      }),
    ),
  );
};

export interface Ran {
  readonly result: unknown;
  /** Its log, one parsed line each. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

/** Runs a bundle once in its own process, with nothing of our environment. */
export const invoke = async (
  fn: DeployedFunction,
  event: unknown,
  aws: Readonly<Record<string, string>>,
): Promise<Ran> => {
  const env = {
    ...aws,
    ...fn.environment,
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    PATH: process.env.PATH ?? '',
    SIMULATORS: process.env.SIMULATORS ?? '',
  };
  const { stdout } = await run(process.execPath, [HOST, fn.bundle, JSON.stringify(event), String(fn.timeout)], { env });
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  return { result: lines.at(-1)?.result, log: lines.slice(0, -1) };
};
