import { type Mutant, mutantsOf } from './mutant.ts';

const simulated = ['test/simulation/regressions.test.ts'];

/** Bugs that were: each is put back, and has to be found by the seed that once found it. */
const regressions: readonly Mutant[] = [
  ...mutantsOf('lib/shell/transition.ts', simulated, [
    ['seed 540: a verdict that was not stored is told', "commitFailed === 'settle' ? undefined : typeOf", 'typeOf'],
  ]),
  ...mutantsOf('lib/providers/ioffice.ts', simulated, [
    ['seed 1214: a code waits for the tick of its tokens', '  codeLifetime: minutes(5),\n', ''],
  ]),
  ...mutantsOf('lib/shell/obtain.ts', simulated, [
    [
      'seed 1826: a verdict without the secret read again',
      "if (reread.version === undefined) return run.failed({ ...outcome, kind: 'retry' }, credentials.version, dropSession);",
      'if (reread.version === undefined) return run.concluded(outcome, credentials, full, dropSession);',
    ],
    ['seed 9686: an older secret for a newer one', 'latestVersion(seen)', 'seen.secretVersion'],
  ]),
  ...mutantsOf('infra/alarms.ts', simulated, [
    [
      'silence after the last word on a token comes too late',
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
