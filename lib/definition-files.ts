import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { providerFromData } from './definition/from-file.ts';
import { DefinitionError } from './definition/parse.ts';
import type { DefinedProvider } from './definition/provider.ts';

/** Reads a provider from its definition file. Throws a `DefinitionError` whose message begins with the path. */
export const readProviderFile = (path: string): DefinedProvider => {
  try {
    return providerFromData(jsonIn(path));
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    const lines = error.message.split('\n').map(line => `${path}: ${line}`);
    throw new DefinitionError(lines.join('\n'), { cause: error });
  }
};

const jsonIn = (path: string): unknown => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new DefinitionError(`The file cannot be read (${code}).`, { cause: error });
  }
  try {
    // Some editors add a byte order mark.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new DefinitionError(`The file is not JSON${positionIn(error)}.`, { cause: error });
  }
};

/** The position where the parser stopped, if its message has one. */
const positionIn = (error: unknown): string => {
  const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(error instanceof Error ? error.message : '') ?? [];
  return line === undefined ? '' : `: see line ${line}, column ${column}`;
};

/** The providers of all `*.json` files in a folder, sorted by file name; none if the folder does not exist. */
export const providersInFolder = (folder: string): readonly DefinedProvider[] => {
  const found = filesIn(folder).map(file => ({ file, provider: readProviderFile(join(folder, file)) }));
  for (const { file, provider } of found) {
    if (basename(file, '.json') === provider.id) continue;
    throw new DefinitionError(`${join(folder, file)}: "id" must be the name of the file, got "${provider.id}".`);
  }
  return found.map(({ provider }) => provider);
};

const filesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
      .filter(file => /\.json$/i.test(file))
      .sort();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (code === 'ENOENT') return [];
    throw new DefinitionError(`${folder} cannot be read (${code}).`, { cause: error });
  }
};
