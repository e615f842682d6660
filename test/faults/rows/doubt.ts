import { type ConnectionId, plus, seconds, type Token } from '../../../lib/core/types.ts';
import { complain, connectionViewOf, logOut, use } from '../consumer.ts';
import { DOUBT_LIFETIME, type Doubt, doubts } from '../doubts.ts';
import { secondsText, until } from '../poll.ts';
import type { Running } from '../processes.ts';
import { shortened } from '../shortened.ts';
import { type Row, RowStage, type SharedProcesses } from '../stage.ts';
import { type Victim, victimOf } from '../victims.ts';

const held = 'a refresh token alone';
const TICK = seconds(5);
/** From this time before the end, a refresh token that may be spent is sent again: two ticks. */
const NEAR_END = 2 * TICK;
/** How often a token is used before its provider ends it. */
const USES = 20;
/** How often it is requested after that. */
const READS = 5;

export const doubtNames = doubts.map(({ name }) => name);

/** The course of one connection. */
interface Course {
  readonly doubt: Doubt;
  readonly id: ConnectionId;
  readonly reportedAfter: number;
  uses: number;
  /** Reads after the provider refused the token to a consumer. */
  refusals: number;
  readonly wrong: string[];
}

/**
 * Only copies of access that are lost, or may be: nothing else is lost with them, and an event reports them at once.
 */
export const doubt = async (shared: SharedProcesses, say: (line: string) => void): Promise<Row[]> => {
  // Nothing is renewed except by the faults.
  const policy = { ...shortened, tick: TICK, floor: DOUBT_LIFETIME, forcedSpacing: seconds(1) };
  const stage = new RowStage(shared, 'doubt', policy, held);
  const refreshers = [await stage.refresher(), await stage.refresher()] as const;
  const api = await stage.api(refreshers[0]);
  const victims = await Promise.all(doubts.map(() => victimOf(shared, stage)));
  const ids = await stage.open(doubtNames, DOUBT_LIFETIME);
  await stage.discover(refreshers[0]);
  const schedule = stage.schedule(refreshers);
  await until('everybody has a token', seconds(40), async () => {
    const tokens = await Promise.all(ids.map(id => stage.tokens.get(id)));
    return tokens.every(token => token !== undefined);
  });
  const courses = await Promise.all(
    doubts.map(async (each, n) => {
      const [id, victim] = [ids[n], victims[n]];
      if (!id || !victim) throw new Error('no connection');
      const course = await begun(stage, api, each, id, victim);
      await (each.spent ? lost : spared)(stage, api, course);
      return course;
    }),
  );
  say(`${held}: ${courses.length} in doubt have met their ends`);

  const gone = courses.filter(({ doubt: { spent } }) => spent);
  await Promise.all(gone.map(({ id }) => stage.hand(id)));
  await stage.discover(refreshers[0]);
  await Promise.all(
    courses.map(({ id, doubt: { name } }) =>
      until(`${name} is well again, and known to be`, seconds(40), async () => {
        const isKnown = stage.events(id).some(({ type }) => type === 'recovered');
        return isKnown && (await stage.isWell(id)) && (await use(api, id)).accepted;
      }),
    ),
  );
  await schedule.stop();
  for (const { proxy } of victims) proxy.close();
  for (const each of courses) for (const what of each.wrong) say(`${each.doubt.name}: ${what}`);
  return rowsOf(courses);
};

/** Runs the fault, and waits for its report. */
const begun = async (
  stage: RowStage,
  api: Running,
  doubt: Doubt,
  id: ConnectionId,
  victim: Victim,
): Promise<Course> => {
  await doubt.inflict(stage, id, victim);
  const from = Date.now();
  const { rotations } = await stage.counts(id);
  if (rotations !== Number(doubt.spent)) throw new Error(`${doubt.name}: ${rotations} refresh tokens were spent`);
  await until(`${doubt.name} is reported`, seconds(40), async () => {
    const view = await connectionViewOf(api, id);
    const isTold = stage.events(id).some(({ type, reason }) => type === 'needs attention' && reason === doubt.code);
    return isTold && view?.status === 'attention' && view.lastError?.code === doubt.code;
  });
  return { doubt, id, reportedAfter: Date.now() - from, uses: 0, refusals: 0, wrong: [] };
};

/** Used by a consumer until something ends it, or its end is near: always the same token, always accepted. */
const served = async (stage: RowStage, api: Running, course: Course, published: Token, most: number): Promise<void> => {
  const { doubt, id, wrong } = course;
  const near = plus(published.expiresAt, -NEAR_END);
  await until(`the token of ${doubt.name} comes near its end`, DOUBT_LIFETIME, async () => {
    const { accepted, accessToken } = await use(api, id);
    const { replays } = await stage.counts(id);
    // What was seen after that time may be its consequence.
    if (Date.now() >= near) return true;
    course.uses += 1;
    if (!accepted || accessToken !== published.accessToken) wrong.push('its token was not served, or refused');
    if (replays > 0) wrong.push('its refresh token came again while its token was good');
    return course.uses >= most;
  });
  if (course.uses === 0) throw new Error(`${doubt.name}: its token was too old to be used`);
};

/** The provider never got its refresh token: it is renewed near the end of its token, without a gap. */
const spared = async (stage: RowStage, api: Running, course: Course): Promise<void> => {
  const { doubt, id, wrong } = course;
  const published = await stage.token(id);
  await served(stage, api, course, published, Number.POSITIVE_INFINITY);
  await until(`${doubt.name} is renewed`, DOUBT_LIFETIME, async () => {
    course.uses += 1;
    if (!(await use(api, id)).accepted) wrong.push('its token was refused before it was renewed');
    return (await stage.token(id)).version > published.version;
  });
  if ((await stage.counts(id)).replays > 0) wrong.push('its refresh token came twice');
};

/** One day the provider refuses the token: the consumer reports it, and from then on nobody gets it. */
const lost = async (stage: RowStage, api: Running, course: Course): Promise<void> => {
  const { doubt, id, wrong } = course;
  const published = await stage.token(id);
  const isLoggedOut = doubt.ends === 'logged out';
  await served(stage, api, course, published, isLoggedOut ? USES : Number.POSITIVE_INFINITY);
  if (isLoggedOut) await logOut(published);
  else {
    await until(`${doubt.name} is tried again`, DOUBT_LIFETIME, async () => {
      const view = await connectionViewOf(api, id);
      return view?.status === 'attention' && view.lastError?.code === 'invalid_grant';
    });
    if ((await stage.counts(id)).replays !== 1) wrong.push('its refresh token was not sent once more');
  }
  if (await stage.accepted(id)) wrong.push('its token was not ended');
  if ((await complain(api, published)) !== 503) wrong.push('a consumer that was refused was not answered 503');
  for (let n = 0; n < READS; n += 1) {
    if ((await use(api, id)).status === 503) course.refusals += 1;
    else wrong.push('a token was served that the provider refuses');
  }
};

const rowsOf = (courses: readonly Course[]): Row[] => {
  const outcomes = (of: readonly Course[]) => {
    const sum = (count: 'uses' | 'refusals') => of.reduce((total, each) => total + each[count], 0);
    const right = of.filter(({ wrong }) => wrong.length === 0).length;
    const within = secondsText(Math.max(...of.map(({ reportedAfter }) => reportedAfter)));
    return {
      all: of.length,
      right,
      within,
      uses: sum('uses'),
      refusals: sum('refusals'),
      reads: READS * of.length,
      won: right === of.length,
    };
  };
  const [spent, unspent] = [true, false].map(which => outcomes(courses.filter(({ doubt }) => doubt.spent === which)));
  if (!spent || !unspent) return [];
  return [
    {
      held,
      scenario: '`kill -9` between the claim and the grant',
      reference: 'not tried',
      ours: `${unspent.all} of ${unspent.all} reported within ${unspent.within} (\`session_in_doubt\`), since nobody can tell that the refresh token is unspent; ${unspent.right} of ${unspent.all} renewed by themselves near the end of their token, 0 replays; all ${unspent.uses} uses accepted`,
      won: unspent.won,
    },
    {
      held,
      scenario:
        'process killed, or the answer lost, between the grant and the write that keeps the next refresh token; or that write refused until the lease ends',
      reference: '**lost for good**',
      ours: `**the refresh token is lost**, by nature; ${spent.all} of ${spent.all} reported within ${spent.within}; ${spent.uses} uses of their tokens accepted meanwhile, no replay until near their ends; after the provider had refused one to a consumer, 503 to ${spent.refusals} of ${spent.reads} reads; ${spent.right} of ${spent.all} well again with a new code`,
      won: spent.won,
    },
  ];
};
