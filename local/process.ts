import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Process {
  readonly parent: number;
  readonly command: string;
  /** Differs between two processes with the same number. */
  readonly started: string;
}

/** Read from a file on Linux, from ps elsewhere; undefined if the process is gone or neither is available. */
export const processOf = (pid: number): Process | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, command = '', rest = ''] = /\((.*)\) (.*)/s.exec(stat) ?? [];
    const fields = rest.split(' ');
    // A zombie: a killed process whose parent has not collected it yet.
    return fields[0] === 'Z' ? undefined : { parent: Number(fields[1]), command, started: fields[19] ?? '' };
  } catch {
    return processByPs(pid);
  }
};

const processByPs = (pid: number): Process | undefined => {
  try {
    const listed = execFileSync('ps', ['-o', 'ppid=,lstart=,comm=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const [, parent = '', started = '', command = ''] = /^\s*(\d+)\s+(.{24})\s+(.+?)\s*$/.exec(listed) ?? [];
    return { parent: Number(parent), command, started };
  } catch {
    return undefined;
  }
};
