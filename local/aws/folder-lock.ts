import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processOf } from '../process.ts';

export class FolderInUse extends Error {}

/** The process that a lock names, if it is still running: another process may have its number by now. */
const ownerOf = (file: string): number | undefined => {
  try {
    const [pid = '', started] = readFileSync(file, 'utf8').split('\n');
    const owner = processOf(Number(pid));
    return owner && owner.started === started ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Keeps a second process off a folder; returns the function that unlocks it. The database has its own lock, but its
 * only message is "Database is closed". A killed process holds no lock.
 */
export const lockFolder = (folder: string): (() => void) => {
  const file = join(folder, 'pid');
  const owner = ownerOf(file);
  if (owner !== undefined && owner !== process.pid) {
    throw new FolderInUse(`${folder} is in use by process ${owner}; if that is something else, delete ${file}`);
  }
  writeFileSync(file, `${process.pid}\n${processOf(process.pid)?.started ?? ''}`, { mode: 0o600 });
  return () => rmSync(file, { force: true });
};
