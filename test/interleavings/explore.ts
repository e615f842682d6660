import { type ConnectionId, minutes } from '../../lib/core/types.ts';
import { Actor } from './actor.ts';
import { type Pair, type Scenario, scenarios } from './scenarios.ts';
import { SINGLE, Stage } from './stage.ts';

/**
 * What happens when the first process reaches point i: it waits for the second one, or until its lease is over; or it
 * crashes; or the store or the provider acts and the answer is lost; or they refuse.
 */
export const kinds = ['paused', 'late', 'dead', 'lost', 'refused'] as const;
export type InterleavingKind = (typeof kinds)[number];

/** One interleaving: the first process runs to point i, the second one to j, then the first runs to its end. */
export interface Interleaving {
  readonly scenario: Scenario;
  readonly pair: Pair;
  readonly kind: InterleavingKind;
  readonly i: number;
  /** Infinity: to its end. */
  readonly j: number;
  /** After how many operations the events of the scenario happen. */
  readonly events: readonly number[];
}

/** The interleavings of two processes with the same initial state and the same kind of fault. */
export interface Group extends Pick<Interleaving, 'scenario' | 'pair' | 'kind'> {
  readonly name: string;
}

export const groupOf = ({ scenario, pair, kind }: Pick<Interleaving, 'scenario' | 'pair' | 'kind'>): string =>
  `${pair.join('+')}/${scenario.name}/${kind}`;

export const groups: readonly Group[] = scenarios.flatMap(scenario =>
  scenario.pairs.flatMap(pair =>
    kinds.map(kind => ({ scenario, pair, kind, name: groupOf({ scenario, pair, kind }) })),
  ),
);

/** How many of its interleavings are run: each pair of points; those that CI has time for; every third of these. */
export type Depth = 'all' | 'bounded' | 'sample';

export const groupsAt = (depth: Depth): readonly Group[] =>
  depth === 'all' ? groups : groups.filter(group => !isForFullRunsOnly(group));

export const groupsOf = (pair: Pair): readonly Group[] =>
  groupsAt('sample').filter(group => group.pair.join() === pair.join());

const isForFullRunsOnly = ({ scenario, kind }: Group): boolean =>
  scenario.isLarge === true && (kind === 'lost' || kind === 'refused');

/** `worker+discovery/deleted/late/3/end@5`: enough to replay an interleaving. */
export const interleavingIdOf = (interleaving: Interleaving): string => {
  const { i, j, events } = interleaving;
  const at = events.length > 0 ? `@${events.join(',')}` : '';
  return `${groupOf(interleaving)}/${i}/${j === Number.POSITIVE_INFINITY ? 'end' : j}${at}`;
};

/** The interleaving with this id. */
export const parseId = (id: string): Interleaving | undefined => {
  const [, name, i = '', j = '', events] = /^(.+)\/(\d+)\/(\d+|end)(?:@([\d,]+))?$/.exec(id) ?? [];
  const group = groups.find(each => each.name === name);
  return (
    group && {
      ...group,
      i: Number(i),
      j: j === 'end' ? Number.POSITIVE_INFINITY : Number(j),
      events: events?.split(',').map(Number) ?? [],
    }
  );
};

export interface InterleavingOutcome {
  readonly violations: readonly string[];
  readonly lost: boolean;
  readonly log: readonly string[];
  /** There is no point i, no point j, or no time for the events: further interleavings would repeat earlier ones. */
  readonly beyond: 'i' | 'j' | 'events' | undefined;
}

const ROUNDS = 6;
/** A token is valid for at most this many minutes. */
const UNTIL_EXPIRED = 62;
/** After the grace period, the end, and a second end after the lease: nobody may read the token any more. */
const ROUNDS_UNTIL_UNREADABLE = 3;
/** The record of a retired connection stays for an hour, and longer if a worker was late. Rounds of five minutes. */
const ROUNDS_UNTIL_GONE = 40;

export const run = async (interleaving: Interleaving): Promise<InterleavingOutcome> => {
  const { scenario, pair, kind, i, j, events } = interleaving;
  const stage = new Stage();
  await scenario.prepare(stage);
  stage.concerns([...scenario.there, ...(scenario.gone ?? [])]);
  stage.log.length = 0;
  const [first, second] = pair.map((role, index) => {
    const actor = new Actor(`${role} ${index + 1}`, stage.log);
    const work = scenario.work?.[role];
    const usual = role === 'worker' ? () => stage.tick(actor) : () => stage.discover(actor);
    actor.does(work ? () => work(stage, actor) : usual);
    return actor;
  }) as [Actor, Actor];

  const due = [...(scenario.events ?? [])].map((happens, index) => ({ at: events[index] ?? 0, happens }));
  const happen = async (): Promise<void> => {
    while (due[0] && due[0].at <= first.steps + second.steps) {
      stage.log.push('  the event happens');
      await due.shift()?.happens(stage);
    }
  };

  const beyond = await (async (): Promise<InterleavingOutcome['beyond']> => {
    const reached = await first.runTo(i, happen);
    await happen();
    let deliver: (() => Promise<void>) | undefined;
    if (reached && kind === 'late') stage.freeze(first);
    if (reached && kind === 'dead') stage.kill(first);
    if (reached && (kind === 'lost' || kind === 'refused')) deliver = await stage.step(first, kind);
    const passed = (await second.runTo(j, happen)) || second.steps === j || j === Number.POSITIVE_INFINITY;
    await deliver?.();
    await first.runTo(Number.POSITIVE_INFINITY, happen);
    await second.runTo(Number.POSITIVE_INFINITY, happen);
    await happen();
    await scenario.afterwards?.(stage);
    if (due.length > 0) return 'events';
    if (!reached) return 'i';
    return passed ? undefined : 'j';
  })();
  if (beyond) return { violations: [], lost: false, log: stage.log, beyond };
  stage.log.push('the calm');
  const lost = await judge(stage, scenario, [first, second]);
  return { violations: [...stage.violations], lost, log: stage.log, beyond };
};

/** Lets time pass without further faults. Returns whether the only copy of access is lost, which is allowed. */
const judge = async (stage: Stage, scenario: Scenario, actors: readonly Actor[]): Promise<boolean> => {
  const { there, gone = [], onlyCopy = false, restores = false } = scenario;
  for (const { name, bug } of actors) if (bug !== undefined) stage.violated(`${name} ends with a bug: ${bug}`);
  if (scenario.losesOnlyCopy) stage.lostByNature = true;
  await stage.calm(ROUNDS, there);
  stage.checkEnded();
  const isLost = async (connection: ConnectionId): Promise<boolean> =>
    onlyCopy && stage.lostByNature && (await stage.isLost(connection));
  const well = async (meanwhile: { doubt: boolean; differ: boolean }): Promise<void> => {
    for (const connection of there) {
      if (!(await isLost(connection))) await stage.checkWell(connection, meanwhile);
    }
  };
  await well({ doubt: onlyCopy, differ: restores });
  if (onlyCopy && (await stage.isLost(SINGLE))) await stage.calm(UNTIL_EXPIRED, there);
  // The next renewal shows whether the stored session works.
  stage.clock.pass(Math.max(0, stage.dueAt(there) - stage.clock.now()));
  await stage.calm(3, there);
  await well({ doubt: false, differ: false });
  const lost = await isLost(SINGLE);
  if (lost) await stage.checkTold(SINGLE);
  if (gone.length > 0) {
    await stage.calm(ROUNDS_UNTIL_UNREADABLE, [], minutes(5));
    for (const connection of gone) stage.checkGone(connection, ['tokens']);
    await stage.calm(ROUNDS_UNTIL_GONE, [], minutes(5));
    for (const connection of gone) stage.checkGone(connection, ['tokens', 'sessions', 'records']);
  }
  return lost;
};

export interface Summary {
  runs: number;
  lost: number;
  readonly failures: { readonly id: string; readonly violations: readonly string[] }[];
}

/**
 * Bounded: if there are events or three operations at once, the second process runs to its end. In a sample it always
 * does, and the first process and the events come to every third point.
 */
export const explore = async (group: Group, depth: Depth): Promise<Summary> => {
  const { scenario, kind } = group;
  const summary: Summary = { runs: 0, lost: 0, failures: [] };
  const one = async (interleaving: Interleaving): Promise<InterleavingOutcome['beyond']> => {
    const { beyond, violations, lost } = await run(interleaving);
    if (beyond) return beyond;
    summary.runs += 1;
    if (lost) summary.lost += 1;
    if (violations.length > 0) summary.failures.push({ id: interleavingIdOf(interleaving), violations });
    return undefined;
  };
  const many = scenario.events !== undefined || scenario.there.length > 1 || scenario.work !== undefined;
  const bounded = many || kind === 'lost' || kind === 'refused';
  const step = depth === 'sample' ? 3 : 1;
  const toEnd = kind === 'dead' || depth === 'sample' || (depth === 'bounded' && bounded);
  const count = scenario.events?.length ?? 0;
  for (let i = kind === 'paused' ? 1 : 0, more = true; more; i += step) {
    more = false;
    for (const j of toEnd ? [Number.POSITIVE_INFINITY] : points()) {
      let isPoint = false;
      // An event may reduce the work of a process.
      for (const events of placements(count, step)) {
        const beyond = await one({ ...group, i, j, events: events.at });
        if (beyond === 'events') events.tooLate();
        more ||= beyond === undefined || beyond === 'j';
        isPoint ||= beyond === undefined;
      }
      if (!isPoint) break;
    }
  }
  return summary;
};

function* points(): Generator<number> {
  for (let j = 1; ; j += 1) yield j;
}

/** Every placement of the events, in their order, as long as the processes are running. */
function* placements(count: number, step: number): Generator<{ readonly at: readonly number[]; tooLate(): void }> {
  if (count === 0) return yield { at: [], tooLate: () => {} };
  for (let first = 0; ; first += step) {
    let late = false;
    const tooLate = () => {
      late = true;
    };
    if (count === 1) {
      yield { at: [first], tooLate };
      if (late) return;
      continue;
    }
    let last = first;
    for (; !late; last += step) yield { at: [first, last], tooLate };
    if (last === first + step) return;
  }
}
