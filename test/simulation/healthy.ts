import { hours, minutes, plus } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { START } from './network.ts';
import { Run } from './run.ts';
import { CALM, type Scenario } from './scenario.ts';

/** The violations of a run in which nothing goes wrong, and every alarm and mail that it causes: it should cause none. */
const noiseOf = async (run: Run): Promise<readonly string[]> => [
  ...(await run.run()).violations,
  ...run.alarms.filter(({ fired }) => fired.length > 0).map(({ spec }) => `the alarm ${spec.id}`),
  ...run.mailbox.mails.map(() => 'a mail'),
];

/** A deployment of all providers from its first minute; its secrets exist already. */
export const firstDays: Partial<Scenario> = {
  ...{ ...CALM, providers, connections: 3, readEvery: minutes(20) },
  ...{ calmFrom: plus(START, minutes(1)), end: plus(START, hours(24)) },
};

export const noiseOfFirstDay = (schedules: number, change: Partial<Scenario> = {}): Promise<readonly string[]> =>
  noiseOf(new Run(schedules, { ...firstDays, schedules, ...change }));

export const noiseOfDays = (days: number): Promise<readonly string[]> =>
  noiseOf(new Run(7, { ...firstDays, connections: 2, end: plus(START, hours(24 * days)) }));

/** For CI: longer, and with more schedules, than a test has time for. */
export const healthy = async (): Promise<readonly string[]> => {
  const noise = [...(await noiseOfDays(30))];
  for (const schedules of [1, 2, 3, 5, 8]) noise.push(...(await noiseOfFirstDay(schedules)));
  return noise;
};
