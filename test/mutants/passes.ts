import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { minutes } from '../../lib/core/types.ts';

/** A mutant may well wait for ever. */
const PATIENCE = minutes(10);
const children = new Set<ChildProcess>();

/** Whether a program of node ends well in a folder. */
export const passes = async (folder: string, args: readonly string[]): Promise<boolean> => {
  const child = spawn(process.execPath, [...args], { cwd: folder, stdio: 'ignore', detached: true });
  children.add(child);
  const late = setTimeout(() => stop(child), PATIENCE);
  const [code] = await once(child, 'exit');
  clearTimeout(late);
  children.delete(child);
  return code === 0;
};

/** With all that it started itself: it leads a group of its own. */
const stop = ({ pid }: ChildProcess): void => {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
};

export const stopAll = (): void => {
  for (const child of children) stop(child);
};
