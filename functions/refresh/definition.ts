import type { DefinitionData } from '../../lib/definition/schema.ts';

/** The definition of the provider that a function serves. Its bundle has one in place of this file: see `infra/function.ts`. */
export const definition: DefinitionData | undefined = undefined;
