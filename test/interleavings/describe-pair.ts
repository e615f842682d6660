import { describe, expect, it } from 'vitest';
import { explore, groupsOf } from './explore.ts';
import type { Pair } from './scenarios.ts';

const COMMAND = 'npm run interleavings -- --only';

/** Each scenario of two processes, with one preemption at every third point. `npm run interleavings` runs more. */
export const describePair = (pair: Pair): void =>
  describe.each(groupsOf(pair))('$name', group => {
    it('ends well', async () => {
      const { runs, failures } = await explore(group, 'sample');
      expect(failures.map(({ id, violations }) => `${COMMAND} ${id}: ${violations.join('; ')}`)).toEqual([]);
      // Otherwise a scenario that never comes to a point would pass.
      expect(runs).toBeGreaterThan(0);
    });
  });
