import type { DefinitionData } from '../../lib/definition/schema.ts';

/** The definition of the function's provider. The bundle replaces this file by one with it: see `infra/function.ts`. */
export const definition: DefinitionData | undefined = undefined;
