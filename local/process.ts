import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Process {
  readonly parent: number;
  readonly command: string;
  /** Something that two processes with the same number do not share. */
  readonly started: string;
}

/** What Linux says in a file and everybody else through ps; nothing where the process is gone or neither is there. */
export const processOf = (pid: number): Process | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, command = '', rest = ''] = /\((.*)\) (.*)/s.exec(stat) ?? [];
    const fields = rest.split(' ');
    // A killed process that nobody has taken note of yet is there in name only.
    return fields[0] === 'Z' ? undefined : { parent: Number(fields[1]), command, started: fields[19] ?? '' };
  } catch {
    return processByPs(pid);
  }
};

const processByPs = (pid: number): Process | undefined => {
  try {
    const told = execFileSync('ps', ['-o', 'ppid=,lstart=,comm=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const [, parent = '', started = '', command = ''] = /^\s*(\d+)\s+(.{24})\s+(.+?)\s*$/.exec(told) ?? [];
    return { parent: Number(parent), command, started };
  } catch {
    return undefined;
  }
};
