import { buildFunctions } from './functions.ts';

await buildFunctions();
