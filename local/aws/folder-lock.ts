import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class FolderInUse extends Error {}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of someone else may not be signalled, but it is there.
    return error instanceof Error && Reflect.get(error, 'code') === 'EPERM';
  }
};

const ownerOf = (file: string): number | undefined => {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
};

/**
 * Keeps a second process off a folder; answers how to give it back. The database has a lock of its own, but says
 * nothing better than "Database is closed" when it meets another's. A process that was killed holds nothing.
 */
export const lockFolder = (folder: string): (() => void) => {
  const file = join(folder, 'pid');
  const owner = ownerOf(file);
  if (owner !== undefined && owner !== process.pid && isAlive(owner)) {
    throw new FolderInUse(`${folder} is in use by process ${owner}; if that is something else, delete ${file}`);
  }
  writeFileSync(file, String(process.pid), { mode: 0o600 });
  return () => rmSync(file, { force: true });
};
