import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import type { ClientOverrides } from '../../lib/aws/clients.ts';

export interface Emulator {
  readonly settings: ClientOverrides;
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
  const env = { ...process.env, EMULATOR_PORT: String(await freePort()) };
  try {
    await run(script, ['up'], { env });
  } catch (thrown) {
    if (isMissing(thrown)) return `${script} lacks what it needs`;
    throw thrown;
  }
  const { AWS_ENDPOINT_URL = '', AWS_REGION = '' } = variables((await run(script, ['env'], { env })).stdout);
  return {
    settings: { endpoint: AWS_ENDPOINT_URL, region: AWS_REGION },
    stop: async () => {
      await run(script, ['down'], { env });
    },
  };
};
