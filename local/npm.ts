import { execFileSync } from 'node:child_process';

/** The npm that runs us, if one does: our parent, or where it left its shell between us, that one's. */
const npmPid = (): number | undefined => {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return undefined;
  const [, parent, command = ''] = /^\s*(\d+)\s+(\S+)/.exec(parentProcess()) ?? [];
  return /(^|\/)(ba|da|z)?sh$/.test(command) ? Number(parent) : process.ppid;
};

const parentProcess = (): string => {
  try {
    return execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(process.ppid)], { encoding: 'utf8' });
  } catch {
    // A slim container may have no ps.
    return '';
  }
};

/** A killed npm gives its script no signal: without this the script would live on, with the port and the data folder. */
export const endWithNpm = (): void => {
  const npm = npmPid();
  if (npm === undefined) return;
  setInterval(() => {
    try {
      process.kill(npm, 0);
    } catch {
      process.exit(1);
    }
  }, 250).unref();
};
