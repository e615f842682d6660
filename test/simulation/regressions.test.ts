import { describe, expect, test } from 'vitest';
import { hours, type Milliseconds, minutes, plus } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import type { Trouble } from './faults.ts';
import { SIMULATION_START } from './network.ts';
import { SeedRun } from './run.ts';
import { CALM, type SeedScenario } from './scenario.ts';

/** One provider in trouble, from half an hour after the start until hour six, and then an hour or more of calm. */
const troubled = (
  provider: string,
  kinds: Readonly<Partial<Record<Trouble['kind'], number>>>,
  change: Partial<SeedScenario> = {},
): Partial<SeedScenario> => ({
  ...CALM,
  providers: providers.filter(({ id }) => id === provider),
  connections: 2,
  browser: provider === 'ioffice',
  secretsChange: true,
  readEvery: minutes(2),
  troubles: Object.entries(kinds).map(([kind, share]) => ({
    kind: kind as Trouble['kind'],
    share,
    from: plus(SIMULATION_START, hours(0.5)),
    to: plus(SIMULATION_START, hours(6)),
  })),
  calmFrom: plus(SIMULATION_START, hours(6)),
  end: plus(SIMULATION_START, hours(7)),
  ...change,
});

/** A schedule that stops at some minute, while half of the refreshes fail. */
const silent = (from: Milliseconds): Partial<SeedScenario> => {
  const at = (moment: Milliseconds) => plus(SIMULATION_START, moment);
  return troubled(
    'poweroffice-v1',
    {},
    {
      connections: 3,
      secretsChange: false,
      readEvery: minutes(20),
      troubles: [
        { kind: 'outage', from: at(minutes(55)), to: at(minutes(90)), share: 0.5 },
        { kind: 'missed ticks', from: at(from), to: at(minutes(90)), share: 1 },
      ],
      calmFrom: at(minutes(90)),
      end: at(minutes(130)),
    },
  );
};

/**
 * Bugs that the simulator found, in scenarios that show them. A mutant with the same name restores each bug, to check
 * that its seed still finds it.
 */
const bugs: readonly (readonly [bug: string, seed: number, scenario: Partial<SeedScenario>])[] = [
  [
    'reported twice, because the store had not taken the first verdict',
    5,
    troubled('poweroffice-v1', { 'store throttled': 0.3 }),
  ],
  ['a verdict without the secret read again', 212, troubled('poweroffice-v1', { 'store throttled': 0.3 })],
  [
    'a code expires after a person stored it and before the schedule uses it',
    15,
    troubled(
      'ioffice',
      {},
      {
        sessionsEnd: true,
        secretsChange: false,
        calmFrom: plus(SIMULATION_START, hours(5)),
        end: plus(SIMULATION_START, hours(8)),
      },
    ),
  ],
  [
    'a run that could not ask forgets the dead worker',
    445,
    troubled('powerepos', { crashes: 0.7, 'store throttled': 0.3 }),
  ],
  [
    'a refused session, and nobody looks for a new code',
    58,
    troubled('ioffice', { 'lost answers': 0.7, 'store throttled': 0.7 }),
  ],
  ['a refused code gives up the session of the old one', 3, troubled('ioffice', { 'store throttled': 0.7 })],
  ['low life reported too late for a silence that begins after it', 30, silent(minutes(62))],
  ['low life reported too late for a silence that begins after it', 37, silent(minutes(62))],
  ['low life reported too late for a silence that begins after it', 87, silent(minutes(68))],
];

describe('bugs that the simulator found stay mended', () => {
  test.each(bugs)('%s (seed %i)', async (_, seed, scenario) => {
    expect((await new SeedRun(seed, scenario).run()).violations).toEqual([]);
  });
});
