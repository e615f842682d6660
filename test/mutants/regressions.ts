import { type Mutant, mutantsOf } from './mutant.ts';

const simulated = ['test/simulation/regressions.test.ts'];

/** Bugs that were: each is put back, and has to be found by the seed that brings it out. */
export const regressions: readonly Mutant[] = [
  ...mutantsOf('lib/events.ts', simulated, []),
  ...mutantsOf('lib/definition/provider.ts', simulated, [
    [
      'a code that was handed in is dead before the schedule comes to it',
      '...(redeem?.lifetime !== undefined && { codeLifetime: redeem.lifetime }),',
      '',
    ],
  ]),
  ...mutantsOf('lib/core/settle.ts', simulated, [
    [
      'a run that could not ask forgets the dead worker (found by its seed)',
      "...(used.calls === 0 ? (['leaseUntil'] as const) : []),",
      '',
    ],
  ]),
  ...mutantsOf('lib/refresh/obtain.ts', simulated, [
    [
      'a verdict without the secret read again',
      "return run.failed({ ...outcome, kind: 'retry' }, triedWith(credentials), dropSession);",
      'return stands(credentials);',
    ],
    [
      'a refused session, and nobody looks for a new code',
      "if (outcome.kind === 'refused' && choice.only && !choice.codeLeft)",
      'if (false)',
    ],
    [
      'a refused code gives up the session of the old one',
      "if (replaceable || !held || choice.grant === 'refresh' || verdict.kind !== 'failed') return verdict;",
      'return verdict;',
    ],
  ]),
];
