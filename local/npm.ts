import { processOf } from './process.ts';

/** The parent process; if npm started a shell in between, the shell's parent. A dead process is no longer a parent. */
const npmPid = (): number | undefined => {
  const parent = processOf(process.ppid);
  return parent && /(^|\/)(ba|da|z)?sh$/.test(parent.command) ? parent.parent : process.ppid;
};

/** npm sets its own process name; other runners have the name of Node or of its main thread. */
const isNpm = (pid: number): boolean => /npm|node|MainThread/.test(processOf(pid)?.command ?? 'npm');

/**
 * A killed npm sends its script no signal: without this, the script would keep running with the port and the data
 * folder.
 */
export const endWithNpm = (): void => {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return;
  const npm = npmPid();
  if (npm === undefined) return;
  // npm was killed while this process was loading: the new parent is another process.
  if (!isNpm(npm)) process.exit(1);
  setInterval(() => npmPid() === npm || process.exit(1), 250).unref();
};
