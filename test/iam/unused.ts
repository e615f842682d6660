import type { Excuse } from './ledger.ts';

/** What is allowed although the cycle does not use it. */
export const unusedOnPurpose: readonly Excuse[] = [];
