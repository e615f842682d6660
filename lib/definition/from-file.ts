import { definitionFrom } from './parse.ts';
import { type DefinedProvider, providerFrom } from './provider.ts';

/** A provider from the content of its file. Throws a `DefinitionError`. */
export const providerFromData = (file: unknown): DefinedProvider => providerFrom(definitionFrom(file));
