import { hours, minutes, plus } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { SIMULATION_START } from './network.ts';
import { SeedRun } from './run.ts';
import { CALM, type SeedScenario } from './scenario.ts';

/** The violations of a run in which nothing goes wrong, and every alarm and mail that it causes: it should cause none. */
const noiseOf = async (run: SeedRun): Promise<readonly string[]> => [
  ...(await run.run()).violations,
  ...run.alarms.filter(({ fired }) => fired.length > 0).map(({ spec }) => `the alarm ${spec.id}`),
  ...run.mailbox.mails.map(() => 'a mail'),
];

/** A deployment of all providers from its first minute; its secrets exist already. */
export const firstDays: Partial<SeedScenario> = {
  ...{ ...CALM, providers, connections: 3, readEvery: minutes(20) },
  ...{ calmFrom: plus(SIMULATION_START, minutes(1)), end: plus(SIMULATION_START, hours(24)) },
};

export const noiseOfFirstDay = (schedules: number, change: Partial<SeedScenario> = {}): Promise<readonly string[]> =>
  noiseOf(new SeedRun(schedules, { ...firstDays, schedules, ...change }));

export const noiseOfDays = (days: number): Promise<readonly string[]> =>
  noiseOf(new SeedRun(7, { ...firstDays, connections: 2, end: plus(SIMULATION_START, hours(24 * days)) }));

/** For CI: longer, and with more schedules, than a test has time for. */
export const healthy = async (): Promise<readonly string[]> => {
  const noise = [...(await noiseOfDays(30))];
  for (const schedules of [1, 2, 3, 5, 8]) noise.push(...(await noiseOfFirstDay(schedules)));
  return noise;
};
