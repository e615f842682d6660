import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import type { ClientOverrides } from '../../lib/aws/clients.ts';

export interface Emulator {
  readonly settings: ClientOverrides;
  /** The environment variables that lead to it. */
  readonly variables: Readonly<Record<string, string>>;
  /** Runs the script with other arguments; returns its output. */
  script(args: readonly string[], cwd?: string): Promise<string>;
  stop(): Promise<void>;
}

const run = promisify(execFile);

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** `export A=1 B=2` as a record. */
const variables = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)=(\S*)/g)].map(([, name = '', value = '']) => [name, value]));

const isMissing = (thrown: unknown): boolean => thrown instanceof Error && Reflect.get(thrown, 'code') === 75;

/** Starts the local AWS from a script, on its own port; a string is the reason why there is none. */
export const startEmulator = async (script: string | undefined): Promise<Emulator | string> => {
  if (!script) return 'EMULATOR does not name the script of a local AWS';
  const env = { ...process.env, EMULATOR_PORT: process.env.EMULATOR_PORT ?? String(await freePort()) };
  const call = async (args: readonly string[], cwd?: string) => (await run(script, args, { env, cwd })).stdout;
  try {
    await call(['up']);
  } catch (thrown) {
    if (isMissing(thrown)) return `${script} lacks what it needs`;
    throw thrown;
  }
  const found = variables(await call(['env']));
  const { AWS_ENDPOINT_URL = '', AWS_REGION = '' } = found;
  return {
    settings: { endpoint: AWS_ENDPOINT_URL, region: AWS_REGION },
    variables: found,
    script: call,
    stop: async () => void (await call(['down'])),
  };
};
