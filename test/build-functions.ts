import { buildFunctions } from '../tools/package/functions.ts';

/** Vitest calls this once before all tests: the constructs deploy built functions. */
export const setup = buildFunctions;
