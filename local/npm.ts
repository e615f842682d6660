import { processOf } from './process.ts';

/** Our parent, or where npm left its shell between us, that one's: a process that died is nobody's parent any more. */
const npmPid = (): number | undefined => {
  const parent = processOf(process.ppid);
  return parent && /(^|\/)(ba|da|z)?sh$/.test(parent.command) ? parent.parent : process.ppid;
};

/** npm calls itself that; other runners are called as Node is, or as Node calls its main thread. */
const isNpm = (pid: number): boolean => /npm|node|MainThread/.test(processOf(pid)?.command ?? 'npm');

/** A killed npm gives its script no signal: without this the script would live on, with the port and the data folder. */
export const endWithNpm = (): void => {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return;
  const npm = npmPid();
  if (npm === undefined) return;
  // Killed while we were being loaded: whoever adopted us is no npm.
  if (!isNpm(npm)) process.exit(1);
  setInterval(() => npmPid() === npm || process.exit(1), 250).unref();
};
