/** The errors of a disk that is full or takes no writes, and may recover. */
const refusals: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'no space left on device'],
  ['EDQUOT', 'disk quota exceeded'],
  ['EFBIG', 'file too large'],
  ['EROFS', 'read-only file system'],
  ['EIO', 'input/output error'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['EMFILE', 'too many open files'],
  ['ENFILE', 'too many open files in system'],
]);

/** Why the disk refused, if the error states it. Other messages might quote a secret. */
export const refusalOfDisk = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  // The database's form: "IO error: <path>: No space left on device", as the cause if it could not be opened.
  const words = code === 'LEVEL_IO_ERROR' ? (error.message.split(': ').at(-1) ?? '').toLowerCase() : undefined;
  const known = words === undefined ? refusals.get(String(code)) : [...refusals.values()].find(each => each === words);
  return known ?? refusalOfDisk(error.cause);
};

/** Why the disk refused, or that the reason is unknown. */
export const wordsOfDisk = (error: unknown): string => refusalOfDisk(error) ?? 'unknown reason';
