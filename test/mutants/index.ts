import { answers } from './answers.ts';
import { api } from './api.ts';
import { core } from './core.ts';
import { edges } from './edges.ts';
import { infra } from './infra.ts';
import type { Mutant } from './mutant.ts';
import { observe } from './observe.ts';
import { regressions } from './regressions.ts';
import { shell } from './shell.ts';
import { stores } from './stores.ts';
import { tables } from './tables.ts';
import { watch } from './watch.ts';

/** Every condition of the protocol and the policy, broken one at a time. */
export const mutants: readonly Mutant[] = [
  ...core,
  ...answers,
  ...shell,
  ...stores,
  ...tables,
  ...watch,
  ...edges,
  ...api,
  ...infra,
  ...regressions,
  ...observe,
];
