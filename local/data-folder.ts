import { lstatSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './usage-error.ts';

/** The content of a data folder, except the files of the database. */
const FILES = ['secrets.json', 'simulators.json', 'pid', 'dynamodb'];

/**
 * Refuses a data folder that other users can read or write: it holds credentials and tokens. It does not change the
 * mode: there may be a reason for it, and the content may have been read already. Windows has no such modes.
 */
export const checkFolder = (folder: string): void => {
  const own = statsOf(folder, statSync);
  if (own && !own.isDirectory()) throw new UsageError(`--data must be a folder: ${folder} is something else.`);
  if (process.platform === 'win32' || process.getuid === undefined) return;
  check(folder, folder, own);
  for (const file of FILES) check(folder, join(folder, file), statsOf(join(folder, file), lstatSync));
};

const statsOf = (path: string, stat: (path: string) => Stats): Stats | undefined => {
  try {
    return stat(path);
  } catch {
    // A missing file is created with the right mode; one that cannot be inspected fails when it is opened.
    return undefined;
  }
};

const check = (folder: string, path: string, stats: Stats | undefined): void => {
  if (!stats) return;
  if (stats.uid !== process.getuid?.()) {
    throw new UsageError(`--data: ${path} belongs to another user: give a folder of your own.`);
  }
  // Reading a pipe would block.
  if (!stats.isFile() && !stats.isDirectory()) {
    throw new UsageError(`--data: ${path} is neither a file nor a folder: give another folder.`);
  }
  if ((stats.mode & 0o077) !== 0) {
    throw new UsageError(`--data: ${path} is open to other users: run chmod -R go= ${folder}, or give another folder.`);
  }
};
