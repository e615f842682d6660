import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Milliseconds } from '../../lib/core/types.ts';
import type { Transition } from '../../lib/events.ts';

/** A separate process. */
export interface Running {
  readonly url: string;
  /** The events that it has published about its connections. */
  readonly events: readonly Transition[];
  /** By its process id; resolves once it is gone. */
  kill(): Promise<void>;
  /** Stops the process at any point, or continues it. */
  freeze(): void;
  thaw(): void;
}

const START_WITHIN: Milliseconds = 20_000;
const children = new Set<ChildProcess>();
let started = 0;

export const processesStarted = (): number => started;

/** Starts a file of `processes/`; resolves once it reports its address. */
export const startProcess = async (
  file: 'aws' | 'provider' | 'refresher' | 'api',
  configuration: object,
): Promise<Running> => {
  const child = fork(new URL(`processes/${file}.ts`, import.meta.url), [JSON.stringify(configuration)]);
  children.add(child);
  started += 1;
  const events: Transition[] = [];
  child.on('message', (message: { readonly events?: readonly Transition[] }) => events.push(...(message.events ?? [])));
  const gone = once(child, 'exit').then(() => void children.delete(child));
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the process "${file}" did not start in time`)), START_WITHIN);
    child.once('exit', code => reject(new Error(`the process "${file}" ended with ${code}`)));
    child.once('message', (message: { readonly url: string }) => {
      clearTimeout(late);
      resolve(message.url);
    });
  });
  return {
    url,
    events,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
};

/** No process may outlive the run: a frozen one would not notice that its parent is gone. */
export const killAll = (): void => {
  for (const child of children) child.kill('SIGKILL');
};
