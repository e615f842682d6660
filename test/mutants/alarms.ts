import { type Mutant, mutantsOf } from './mutant.ts';

const simulated = ['test/simulation/regressions.test.ts'];

/** Bugs that were: each is put back, and has to be found by the seed that brings it out. */
const regressions: readonly Mutant[] = [
  ...mutantsOf('lib/shell/transition.ts', simulated, []),
  ...mutantsOf('lib/providers/ioffice.ts', simulated, [
    ['a code that was handed in is dead before the schedule comes to it', '  codeLifetime: minutes(5),\n', ''],
  ]),
  ...mutantsOf('lib/core/settle.ts', simulated, [
    [
      'a run that could not ask forgets the dead worker (found by its seed)',
      "...(used.calls === 0 ? (['leaseUntil'] as const) : []),",
      '',
    ],
  ]),
  ...mutantsOf('lib/shell/obtain.ts', simulated, [
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
  ...mutantsOf('infra/alarms.ts', simulated, [
    [
      'low life told too late for a silence that begins after it',
      'Math.min((3.25 * tick) / lifetime, afterOneFailure)',
      '0',
    ],
  ]),
];

export const alarms: readonly Mutant[] = [
  ...regressions,
  ...mutantsOf(
    'infra/alarms.ts',
    ['test/infra/alarm-wiring.test.ts', 'test/simulation/simulation.test.ts'],
    [
      ['the first failure of a renewal wakes somebody', 'Math.min((3.25 * tick) / lifetime, afterOneFailure)', '0.4'],
      [
        'a silent schedule is no alarm',
        "threshold: schedules,\n      missingData: 'breaching'",
        "threshold: schedules,\n      missingData: 'notBreaching'",
      ],
      ['one of several schedules may be silent', 'threshold: schedules,', 'threshold: 1,'],
      ['a dead scheduler is noticed late', '...inARow(3)', '...inARow(6)'],
      [
        'attention wakes nobody',
        "threshold: 1,\n      missingData: 'notBreaching',\n    },\n    'refreshes-failing'",
        "threshold: 100,\n      missingData: 'notBreaching',\n    },\n    'refreshes-failing'",
      ],
    ],
  ),
];
