import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';

const root = join(import.meta.dirname, '..', '..');
const NOT_COPIED = new Set(['node_modules', '.git', 'cdk.out', 'coverage', 'dist', '.token-refresher']);

type Change = Pick<Mutant, 'file' | 'find' | 'replace'>;

/** A copy of the tree that may be broken. */
export const copyTree = (folder: string, slot: number): string => {
  const copy = join(folder, String(slot));
  for (const entry of readdirSync(root)) {
    if (!NOT_COPIED.has(entry)) cpSync(join(root, entry), join(copy, entry), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
};

/** Breaks a file of a copy. The returned function repairs it. */
export const breakIn = (copy: string, { file, find, replace }: Change): (() => void) => {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0) throw new Error(`not once in ${file}: ${find}`);
  writeFileSync(path, before + replace + after);
  return () => writeFileSync(path, source);
};
