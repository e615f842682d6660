import { describe, expect, test } from 'vitest';
import { minutes, plus } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { firstDays, noiseOfDays, noiseOfFirstDay } from './healthy.ts';
import { SIMULATION_START } from './network.ts';
import { SeedRun } from './run.ts';

describe('the first day of a deployment fires nothing', () => {
  test('with one schedule', async () => {
    expect(await noiseOfFirstDay(1, { connections: 1 })).toEqual([]);
  });

  test('if all data come two minutes late', async () => {
    expect(await noiseOfFirstDay(4, { connections: 1, leastLate: minutes(2) })).toEqual([]);
  });
});

test('two healthy days of all six providers fire nothing', async () => {
  expect(await noiseOfDays(2)).toEqual([]);
});

test('a provider that hangs is reported as that, and not as a schedule or a watch that is silent', async () => {
  const from = plus(SIMULATION_START, minutes(40));
  const to = plus(from, minutes(30));
  const run = new SeedRun(1, {
    ...{ ...firstDays, connections: 100, packed: true, calmFrom: to, end: plus(to, minutes(30)) },
    providers: providers.filter(({ id }) => id === 'poweroffice-v1'),
    troubles: [{ kind: 'lost answers', from, to, share: 1 }],
  });
  expect((await run.run()).violations).toEqual([]);
  const fired = run.alarms.filter(alarm => alarm.firedBetween(from, to)).map(({ spec }) => spec.id);
  expect(fired.toSorted()).toEqual(['life-low', 'refreshes-failing']);
  const [mail] = run.mailbox.mails.filter(({ at }) => at >= from);
  const firstExpiry = Math.min(...run.expiries.filter(at => at >= from));
  expect(firstExpiry - (mail?.at ?? firstExpiry)).toBeGreaterThan(minutes(1.5));
});
