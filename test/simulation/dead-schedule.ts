import { hours, type Milliseconds, minutes, plus } from '../../lib/core/types.ts';
import { powerofficeV1 } from '../../lib/providers/poweroffice-v1.ts';
import { START } from './network.ts';
import { Random } from './random.ts';
import { Run } from './run.ts';

/**
 * A hundred connections whose tokens are valid for ten minutes, read by nobody, whose schedule dies at some moment. How long
 * before the first of their tokens expires a person is told.
 */
export const noticeOfDeadSchedule = async (seed: number): Promise<Milliseconds> => {
  const random = new Random(seed);
  const schedulesDieAt = plus(START, minutes(30) + random.between(0, minutes(10)));
  const run = new Run(seed, {
    providers: [powerofficeV1],
    connections: 100,
    browser: false,
    troubles: [],
    calmFrom: plus(START, minutes(20)),
    end: plus(START, minutes(52)),
    readEvery: hours(24),
    maxSkew: 0,
    secretsChange: false,
    sessionsEnd: false,
    edits: false,
    neighbour: false,
    packed: true,
    schedules: random.pick([1, 1, 2, 8]),
    lag: 0,
    travel: 150,
    schedulesDieAt,
  });
  await run.run();
  const mails = run.mailbox.mails.map(({ at }) => at);
  const alarms = run.alarms.flatMap(({ fired }) => fired.map(({ from }) => from));
  const told = Math.min(...[...mails, ...alarms].filter(at => at >= schedulesDieAt));
  const expired = Math.min(...run.expiries.filter(at => at >= schedulesDieAt));
  return expired - told;
};
