import type { SeedOutcome } from './run.ts';

/** The figures of many seeds. Durations in milliseconds. */
export interface Tally {
  seeds: number;
  steps: number;
  simulated: number;
  reads: number;
  grants: number;
  violations: number;
  worstRecovery: number;
  worstCallRatio: number;
  readonly faults: Record<string, number>;
  readonly granted: Record<string, number>;
  /** The first few seeds with violations. */
  readonly bad: { readonly seed: number; readonly violations: readonly string[] }[];
}

export const emptyTally = (): Tally => ({
  seeds: 0,
  steps: 0,
  simulated: 0,
  reads: 0,
  grants: 0,
  violations: 0,
  worstRecovery: 0,
  worstCallRatio: 0,
  faults: {},
  granted: {},
  bad: [],
});

const SHOWN = 50;

export const add = (tally: Tally, outcome: SeedOutcome): void => {
  tally.seeds += 1;
  tally.steps += outcome.steps;
  tally.simulated += outcome.simulated;
  tally.reads += outcome.reads;
  tally.grants += outcome.grants;
  tally.violations += outcome.violations.length;
  tally.worstRecovery = Math.max(tally.worstRecovery, outcome.recovery);
  tally.worstCallRatio = Math.max(tally.worstCallRatio, outcome.callRatio);
  count(tally.faults, outcome.faults);
  count(tally.granted, outcome.granted);
  if (outcome.violations.length > 0 && tally.bad.length < SHOWN) {
    tally.bad.push({ seed: outcome.seed, violations: outcome.violations });
  }
};

export const merge = (into: Tally, part: Tally): void => {
  for (const sum of ['seeds', 'steps', 'simulated', 'reads', 'grants', 'violations'] as const) into[sum] += part[sum];
  into.worstRecovery = Math.max(into.worstRecovery, part.worstRecovery);
  into.worstCallRatio = Math.max(into.worstCallRatio, part.worstCallRatio);
  count(into.faults, part.faults);
  count(into.granted, part.granted);
  into.bad.push(...part.bad.slice(0, SHOWN - into.bad.length));
};

/** `crash at tokens.get` counts as a crash: the sum is per kind. */
const count = (into: Record<string, number>, faults: Readonly<Record<string, number>>): void => {
  for (const [name, n] of Object.entries(faults)) {
    const kind = name.split(' at ', 1)[0] ?? name;
    into[kind] = (into[kind] ?? 0) + n;
  }
};
