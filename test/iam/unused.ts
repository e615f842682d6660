import type { Excuse } from './ledger.ts';

/** Allowed actions that the cycle does not use. */
export const unusedOnPurpose: readonly Excuse[] = [];
