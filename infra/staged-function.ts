import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { DefinitionData } from '../lib/definition/schema.ts';

/** A folder below `functions`. */
export type FunctionName = 'refresh' | 'watch' | 'api';

/** `dist/functions`, seen from this file in the sources and from the built `dist/infra`. */
const built = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../dist/functions/' : '../functions/', import.meta.url),
);

/** The code of each function: several providers share one. */
const unpacked = new Map<string, Buffer>();

const codeOf = (name: string): Buffer => {
  const file = join(built, `${name}.js.gz`);
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build:functions".`);
  const code = unpacked.get(name) ?? gunzipSync(readFileSync(file));
  unpacked.set(name, code);
  return code;
};

/**
 * Writes a function's code to a folder in the CDK's output, and returns the folder. The code holds the definition of
 * its provider in a file of its own, and `jose` only if the definition signs assertions.
 */
export const stagedFunction = (outdir: string, name: FunctionName, definition?: DefinitionData): string => {
  const folder = join(outdir, 'functions', definition ? `${name}-${definition.id}` : name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.js'), codeOf(name));
  if (definition) writeFileSync(join(folder, 'definition.json'), JSON.stringify({ definition }));
  if (definition?.assertion) writeFileSync(join(folder, 'jose.js'), codeOf('jose'));
  return folder;
};
