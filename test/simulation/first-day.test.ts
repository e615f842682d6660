import { describe, expect, test } from 'vitest';
import { hours, minutes, plus } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { START } from './network.ts';
import { Run } from './run.ts';
import { CALM, type Scenario } from './scenario.ts';

/** A deployment from its first minute; its secrets exist already. */
const firstDay: Partial<Scenario> = {
  ...{ ...CALM, providers, connections: 3, readEvery: minutes(20) },
  ...{ calmFrom: plus(START, minutes(1)), end: plus(START, hours(24)) },
};

const firedIn = async (run: Run): Promise<readonly string[]> => {
  expect((await run.run()).violations).toEqual([]);
  return [
    ...run.alarms.filter(({ fired }) => fired.length > 0).map(({ spec }) => spec.id),
    ...run.mailbox.mails.map(() => 'a mail'),
  ];
};

describe('the first day of a deployment fires nothing', () => {
  test.each([1, 2, 3, 5, 8])('with schedules: %i', async schedules => {
    expect(await firedIn(new Run(schedules, { ...firstDay, schedules }))).toEqual([]);
  });

  test('if all data come two minutes late', async () => {
    expect(await firedIn(new Run(1, { ...firstDay, schedules: 4, leastLate: minutes(2) }))).toEqual([]);
  });
});

test('a provider that hangs is reported as that, and not as a schedule or a watch that is silent', async () => {
  const from = plus(START, minutes(40));
  const to = plus(from, minutes(30));
  const run = new Run(1, {
    ...{ ...firstDay, connections: 100, packed: true, calmFrom: to, end: plus(to, minutes(30)) },
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
