import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DefinitionError } from '../lib/definition/parse.ts';
import type { DefinedProvider } from '../lib/definition/provider.ts';
import { providersInFolder } from '../lib/definition-files.ts';
import { findProvider } from '../lib/providers/index.ts';
import { UsageError } from './usage-error.ts';

/** The folder that is used without `--providers`, if it exists. */
export const DEFAULT_FOLDER = 'providers';

/** The providers of a folder, without the built-in ones. */
export const addedProviders = (given: string | undefined): readonly DefinedProvider[] => {
  const folder = given ?? DEFAULT_FOLDER;
  if (given === undefined && !isFolder(folder)) return [];
  if (!isFolder(folder)) throw new UsageError(`--providers: ${folder} is not a folder: give one with <id>.json in it.`);
  const added = definedIn(folder);
  if (given !== undefined && added.length === 0) {
    throw new UsageError(`--providers: ${folder} holds no definitions: put each into <id>.json.`);
  }
  const builtIn = added.find(({ id }) => findProvider(id));
  if (!builtIn) return added;
  throw new UsageError(
    `${join(folder, `${builtIn.id}.json`)}: "${builtIn.id}" is the id of a built-in provider: choose another "id".`,
  );
};

const definedIn = (folder: string): readonly DefinedProvider[] => {
  try {
    return providersInFolder(folder);
  } catch (error) {
    if (error instanceof DefinitionError) throw new UsageError(error.message);
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (typeof code === 'string') throw new UsageError(`--providers: ${folder} cannot be read (${code}).`);
    throw error;
  }
};

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
