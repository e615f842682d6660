import { type Mutant, mutantsOf } from './mutant.ts';

export const infra: readonly Mutant[] = [
  ...mutantsOf(
    'infra/alarms.ts',
    ['test/infra/alarm-wiring.test.ts'],
    [
      [
        'data that is late is silence',
        "...inARow(5),\n      comparison: 'less than'",
        "...inARow(2),\n      comparison: 'less than'",
      ],
      ['the first failure of a renewal raises an alarm', 'threshold: LOW_LIFE,', 'threshold: 0.8,'],
    ],
  ),
  ...mutantsOf(
    'infra/token-refresher.ts',
    ['test/infra/names.test.ts'],
    [
      [
        'a second deployment of a name leaves tables behind',
        'schedules.guard(storage, monitoring);',
        'schedules.guard(monitoring);',
      ],
    ],
  ),
  ...mutantsOf(
    'infra/schedules.ts',
    ['test/infra/names.test.ts'],
    [['two deployments of a name', '{ scheduleGroupName: name }', '{}']],
  ),
  ...mutantsOf(
    'infra/collected-grants.ts',
    ['test/infra/many-grants.test.ts'],
    [
      ['a policy for each connection', 'if (used > room) {', 'if (used > 0) {'],
      ['one statement that fits into no policy', 'if (used > room) {', 'if (lists.length === 0) {'],
      ['more policies than a role may have', 'const MANAGED_POLICIES = 10;', 'const MANAGED_POLICIES = 90;'],
    ],
  ),
  ...mutantsOf(
    'infra/attached-policies.ts',
    ['test/infra/many-grants.test.ts'],
    [
      ['policies that a role names are not counted', 'return named + naming.length', 'return 1 + naming.length'],
      ['policies of all roles are counted as one’s own', '=== name', '!== undefined'],
    ],
  ),
  ...mutantsOf(
    'infra/network.ts',
    ['test/infra/network.test.ts', 'test/iam/network.test.ts'],
    [
      ['a function makes network interfaces', "conditions: { Null: { 'lambda:SourceFunctionArn': 'true' } },", ''],
      ['endpoints are open to the whole VPC', 'open: false', 'open: true'],
    ],
  ),
  ...mutantsOf(
    'lib/definition/near-miss.ts',
    ['test/infra/settings.test.ts'],
    [
      ['a misspelt setting is ignored', '(word.length < LONG ? 1 : 2)', '0'],
      ['a company’s key blocks a deployment', '(word.length < LONG ? 1 : 2)', '5'],
    ],
  ),
];
