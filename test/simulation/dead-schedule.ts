import { hours, type Milliseconds, minutes, plus } from '../../lib/core/types.ts';
import { builtIn } from '../../lib/providers/index.ts';
import { record } from '../../tools/figures/section.ts';
import { SIMULATION_START } from './network.ts';
import { Random } from './random.ts';
import { SeedRun } from './run.ts';
import { CALM } from './scenario.ts';

const powerofficeV1 = builtIn('poweroffice-v1');

/**
 * A hundred connections whose tokens are valid for ten minutes, without readers. At some moment the schedule stops.
 * Returns how long before the first token expires a person is notified.
 */
export const noticeOfDeadSchedule = async (seed: number): Promise<Milliseconds> => {
  const random = new Random(seed);
  const schedulesDieAt = plus(SIMULATION_START, minutes(30) + random.between(0, minutes(10)));
  const run = new SeedRun(seed, {
    ...CALM,
    providers: [powerofficeV1],
    connections: 100,
    calmFrom: plus(SIMULATION_START, minutes(20)),
    end: plus(SIMULATION_START, minutes(52)),
    readEvery: hours(24),
    packed: true,
    schedules: random.pick([1, 1, 2, 8]),
    schedulesDieAt,
  });
  await run.run();
  const mails = run.mailbox.mails.map(({ at }) => at);
  const alarms = run.alarms.flatMap(({ fired }) => fired.map(({ from }) => from));
  const reported = Math.min(...[...mails, ...alarms].filter(at => at >= schedulesDieAt));
  const expired = Math.min(...run.expiries.filter(at => at >= schedulesDieAt));
  return expired - reported;
};

const RUNS = 100;
/** A person must be notified this long before the first expiry. */
export const NOTICE = minutes(2);

/** A hundred such runs. Returns whether all but one of them gave notice in time. */
export const deadSchedules = async (write: boolean): Promise<boolean> => {
  const notices: Milliseconds[] = [];
  for (let seed = 1; seed <= RUNS; seed += 1) {
    notices.push(await noticeOfDeadSchedule(seed));
    if (seed % 10 === 0) console.error(`${seed} of ${RUNS} runs`);
  }
  const sorted = notices.toSorted((a, b) => a - b);
  const inTime = sorted.filter(notice => notice >= NOTICE).length;
  const inSeconds = (notice: Milliseconds = Number.NaN) => `${Math.round(notice / 1000)} s`;
  const figures =
    `${inTime} of ${RUNS} runs gave two minutes' notice or more: ${inSeconds(sorted[0])} at the least, ` +
    `${inSeconds(sorted[RUNS / 2])} in the median.`;
  console.log(figures);
  if (write) record('docs/reliability.md', 'dead-schedule', figures);
  return inTime >= RUNS - 1;
};
