import { join } from 'node:path';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { providersInFolder } from '../../lib/definition-files.ts';
import { providers } from '../../lib/providers/index.ts';
import { strangeProviders } from '../local/strange-definitions.ts';

const root = join(import.meta.dirname, '../..');

/** The built-in definitions, strange ones, those of the catalogue, and a user's own in `providers/`. */
export const allDefined: readonly DefinedProvider[] = [
  ...providers,
  ...strangeProviders,
  ...['catalogue', 'providers'].flatMap(folder => providersInFolder(join(root, folder))),
];
