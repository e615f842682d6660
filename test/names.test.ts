import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { textOf } from './kit/repository.ts';

/** One word for one thing: no two files of the repository export the same name for different things. */

const root = join(import.meta.dirname, '..');
const folders = ['lib', 'infra', 'functions', 'local', 'test', 'bench', 'tools', 'examples'];
/** Names that a rule requires: of Lambda's entry points, and of each provider's simulator. */
const BY_RULE = ['handler', 'simulation'];

const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });

const EXPORTED = /^export (?:abstract )?(?:const|class|interface|type|(?:async )?function) (\w+)/gm;

it('each exported name is that of one thing', () => {
  const places = new Map<string, string[]>();
  for (const file of folders.flatMap(filesBelow)) {
    for (const [, name = ''] of textOf(file).matchAll(EXPORTED)) {
      places.set(name, [...(places.get(name) ?? []), file]);
    }
  }
  expect(places.size).toBeGreaterThan(1000);
  const twice = [...places].filter(([name, files]) => new Set(files).size > 1 && !BY_RULE.includes(name));
  expect(twice.map(([name, files]) => `${name}: ${files.join(', ')}`)).toEqual([]);
});
