import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Shared by the servers of this benchmark and their parent. */

export interface Configuration {
  readonly key: string;
  readonly cert: string;
}

export const serverConfiguration = (): Configuration => JSON.parse(process.env.CONFIGURATION ?? '{}');

/** Listens on a free port of loopback, and reports it to the parent. */
export const listeningForParent = async (server: Server): Promise<void> => {
  // If the parent dies in any way, this process ends too.
  process.once('disconnect', () => process.exit());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
};

const started = new Set<ChildProcess>();

/** Registers a process, to be ended with this one. */
export const own = (child: ChildProcess): ChildProcess => {
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
};

export const endAll = (): void => {
  for (const child of started) child.kill('SIGKILL');
};

/** The next message of a process, or an error if it ends first. */
export const messageOf = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null) => reject(new Error(`it ended with ${code ?? signal}`));
    child.once('exit', ended);
    child.once('message', message => {
      child.off('exit', ended);
      resolve(message);
    });
  });

/** Starts a server of this folder. Resolves to its port once it listens. */
export const startServer = async (file: 'aws' | 'provider', { key, cert }: Configuration): Promise<number> => {
  const env = { ...process.env, CONFIGURATION: JSON.stringify({ key, cert }) };
  const child = own(fork(new URL(`${file}.ts`, import.meta.url), { env }));
  return Number(await messageOf(child));
};
