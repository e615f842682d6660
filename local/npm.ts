import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

interface Process {
  readonly parent: number;
  readonly command: string;
}

/** What Linux says in a file and everybody else through ps; nothing where the process is gone or neither is there. */
const processOf = (pid: number): Process | undefined => {
  try {
    const [, command = '', parent = ''] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { parent: Number(parent), command };
  } catch {
    return processByPs(pid);
  }
};

const processByPs = (pid: number): Process | undefined => {
  try {
    const told = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    const [, parent = '', command = ''] = /^\s*(\d+)\s+(.+?)\s*$/.exec(told) ?? [];
    return { parent: Number(parent), command };
  } catch {
    return undefined;
  }
};

/** Our parent, or where npm left its shell between us, that one's: a process that died is nobody's parent any more. */
const npmPid = (): number | undefined => {
  const parent = processOf(process.ppid);
  return parent && /(^|\/)(ba|da|z)?sh$/.test(parent.command) ? parent.parent : process.ppid;
};

const isNpm = (pid: number): boolean => /npm|node/.test(processOf(pid)?.command ?? 'npm');

/** A killed npm gives its script no signal: without this the script would live on, with the port and the data folder. */
export const endWithNpm = (): void => {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return;
  const npm = npmPid();
  if (npm === undefined) return;
  // Killed while we were being loaded: whoever adopted us is no npm.
  if (!isNpm(npm)) process.exit(1);
  setInterval(() => npmPid() === npm || process.exit(1), 250).unref();
};
