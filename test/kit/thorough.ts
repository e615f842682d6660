import { it } from 'vitest';

/** CI sets this for a few files: they try more cases, which takes minutes. */
export const isThorough = process.env.THOROUGH !== undefined;

/** How many cases a property is tried with: a fifth of them, unless all are asked for. */
export const cases = (all: number): number => (isThorough ? all : Math.ceil(all / 5));

/** The first cases, unless all are asked for: those that say most come first. */
export const firstOf = <T>(count: number, all: readonly T[]): readonly T[] => (isThorough ? all : all.slice(0, count));

/** A test that starts several processes, for CI. */
export const itThorough = it.runIf(isThorough);
