import { describe, expect, test } from 'vitest';
import { minutes, plus } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { START } from './network.ts';
import { Run } from './run.ts';

/**
 * Seeds that found a bug, each with what it was. A seed tells as long as scenarios are drawn as they were: that each
 * still fails with its bug put back is seen by the mutants.
 */
const seeds: readonly (readonly [seed: number, bug: string])[] = [
  [540, 'the same cause told twice, where the store had not taken the first verdict'],
  [1214, 'a code that a person had handed in was dead before the schedule came to it'],
  [1826, 'attention for a refusal that could not be held against the secret as it was by then'],
  [9686, 'a secret that an older worker remembered taken for a correction of the refused one'],
];

/** A schedule that falls silent so many minutes after the start, while half of the refreshes fail. */
const silences: readonly (readonly [seed: number, silentFrom: number])[] = [
  [30, 62],
  [37, 62],
  [87, 68],
];

describe('bugs that the simulator found stay mended', () => {
  test.each(seeds)('seed %i: %s', async seed => {
    expect((await new Run(seed).run()).violations).toEqual([]);
  });

  test.each(silences)('seed %i: low life told too late for a silence that began after it', async (seed, silentFrom) => {
    const at = (minute: number) => plus(START, minutes(minute));
    const run = new Run(seed, {
      providers: providers.filter(({ id }) => id === 'poweroffice-v1'),
      connections: 3,
      browser: false,
      secretsChange: false,
      sessionsEnd: false,
      maxSkew: 0,
      readEvery: minutes(20),
      troubles: [
        { kind: 'outage', from: at(55), to: at(90), share: 0.5 },
        { kind: 'missed ticks', from: at(silentFrom), to: at(90), share: 1 },
      ],
      calmFrom: at(90),
      end: at(130),
    });
    expect((await run.run()).violations).toEqual([]);
  });
});
