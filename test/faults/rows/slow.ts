import { minutes, seconds } from '../../../lib/core/types.ts';
import { repeat, secondsText, until } from '../poll.ts';
import { aged, SHORT_LIFETIME, shortened } from '../shortened.ts';
import { type Row, RowStage, type SharedProcesses } from '../stage.ts';

export const slowNames = ['slow'];

/** The provider spends the refresh token at once, and its answer takes longer than any lease. */
export const slow = async (shared: SharedProcesses): Promise<Row[]> => {
  const stage = new RowStage(shared, 'slow', shortened);
  const refreshers = await Promise.all([stage.refresher(), stage.refresher()]);
  const [first] = refreshers;
  const [id] = await stage.open(slowNames, SHORT_LIFETIME);
  if (!first || !id) throw new Error('no connection');
  await stage.discover(first);
  await stage.tick(first);
  await aged(stage);

  const before = await stage.token(id);
  const answersAfter = shortened.lease + seconds(2);
  await stage.behave(id, { lifetime: SHORT_LIFETIME, delay: { when: 'after', for: answersAfter } });
  const callsBefore = await stage.sum('calls');
  const schedule = stage.schedule(refreshers);
  await stage.force(first, id);
  let used = 0;
  let dead = 0;
  const over = Date.now() + answersAfter;
  await until('the slowness ends', minutes(1), async () => {
    used += 1;
    if (!(await stage.accepted(id))) dead += 1;
    return Date.now() >= over;
  });
  const calls = (await stage.sum('calls')) - callsBefore;
  await stage.behave(id, { lifetime: SHORT_LIFETIME });
  const quick = Date.now();
  await until(
    'the token is renewed',
    seconds(50),
    async () => (await stage.token(id)).version > before.version && stage.isWell(id),
  );
  const took = Date.now() - quick;
  await schedule.stop();
  const { replays, late } = await stage.counts(id);

  return [
    {
      held: 'credentials',
      scenario: 'provider takes longer to answer than the lease (theirs: 11 s, lock 10 s)',
      reference: '2 calls, replay detected, **connection lost for good**',
      ours: `${calls} calls, ${late} late answers, ${replays} replays, ${used - dead} of ${used} uses of the token accepted; renewed ${secondsText(took)} after it was quick again`,
      won: replays === 0 && dead === 0 && late > 0,
    },
  ];
};

/** Longer than the default deadline of a call, and shorter than the run of an only copy waits. */
const SLOWER = shortened.callDeadline * 2;

/**
 * The same provider, and a refresh token that is the only copy: the run waits for its answer as long as the lease
 * allows.
 */
export const onlySlow = async (shared: SharedProcesses): Promise<Row[]> => {
  const held = 'a refresh token alone';
  const stage = new RowStage(shared, 'slow', { ...shortened, lease: seconds(20) }, held);
  const refreshers = await Promise.all([stage.refresher(), stage.refresher()]);
  const [first] = refreshers;
  const [id] = await stage.open(slowNames, minutes(30));
  if (!first || !id) throw new Error('no connection');
  await stage.discover(first);
  await stage.tick(first);

  const before = await stage.token(id);
  await stage.behave(id, { lifetime: minutes(30), delay: { when: 'after', for: SLOWER } });
  const callsBefore = await stage.sum('calls');
  const schedule = stage.schedule(refreshers);
  let used = 0;
  let dead = 0;
  const reading = repeat(100, async () => {
    used += 1;
    if (!(await stage.accepted(id))) dead += 1;
  });
  await stage.force(first, id);
  await until('the connection is well', seconds(40), () => stage.isWell(id));
  await reading.stop();
  await schedule.stop();
  const isRenewed = (await stage.token(id)).version > before.version;
  const calls = (await stage.sum('calls')) - callsBefore;
  const { replays, late } = await stage.counts(id);

  return [
    {
      held,
      scenario: 'provider takes longer to answer than a call’s deadline (theirs: 11 s, lock 10 s)',
      reference: '2 calls, replay detected, **connection lost for good**',
      ours: `${calls} call, ${late} late answer, waited for and ${isRenewed ? 'published' : '**not published**'}; ${replays} replays, ${used - dead} of ${used} uses of the token accepted`,
      won: isRenewed && calls === 1 && late === 1 && replays === 0 && dead === 0,
    },
  ];
};
