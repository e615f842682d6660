import { providerFromData } from '../definition/from-file.ts';
import type { DefinedProvider } from '../definition/provider.ts';
import * as definitions from './definitions.ts';

/** The built-in providers. */
export const providers: readonly DefinedProvider[] = Object.values(definitions).map(providerFromData);

const byId: ReadonlyMap<string, DefinedProvider> = new Map(providers.map(provider => [provider.id, provider]));

export const providerIds: readonly string[] = providers.map(provider => provider.id);

export const findProvider = (id: string): DefinedProvider | undefined => byId.get(id);

/** A built-in provider. Throws a `RangeError` if there is none with this id. */
export const builtIn = (id: string): DefinedProvider => {
  const found = byId.get(id);
  if (!found) throw new RangeError(`There is no built-in provider "${id}".`);
  return found;
};
