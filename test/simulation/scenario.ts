import { tickOf } from '../../lib/core/policy.ts';
import type { Provider } from '../../lib/core/provider.ts';
import { type EpochMs, epochMs, hours, type Milliseconds, minutes, plus, seconds } from '../../lib/core/types.ts';
import { providers as defined } from '../../lib/providers/index.ts';
import type { Table } from '../kit/backup.ts';
import { LATEST, type Trouble, troubleKinds } from './faults.ts';
import { SIMULATION_START } from './network.ts';
import type { Random } from './random.ts';

/** The seeds of known bugs need this order; other providers come last. */
const ORDER = ['ioffice', 'petrosoft', 'powerepos', 'officernd', 'poweroffice-v2', 'poweroffice-v1'];
const providers: readonly Provider[] = defined.toSorted((a, b) => ORDER.indexOf(b.id) - ORDER.indexOf(a.id));

/** The plan of one seed. */
export interface SeedScenario {
  readonly providers: readonly Provider[];
  /** How many connections each provider has. */
  readonly connections: number;
  /** Whether customers of iOFFICE log in by browser and store no login. */
  readonly browser: boolean;
  readonly troubles: readonly Trouble[];
  /** From then on there are no faults. */
  readonly calmFrom: EpochMs;
  readonly end: EpochMs;
  readonly readEvery: Milliseconds;
  readonly maxSkew: Milliseconds;
  /** Whether people change secrets, and providers end sessions. */
  readonly secretsChange: boolean;
  readonly sessionsEnd: boolean;
  /** Whether people edit secrets in a hurry. */
  readonly edits: boolean;
  /** Whether they only do so while discovery crashes, and rest until the next time. */
  readonly rests: boolean;
  /** Whether an attacker with some secrets does everything to harm the others. */
  readonly neighbour: boolean;
  /** Whether the customers of a provider share a secret. */
  readonly packed: boolean;
  /** How many schedules share the shards of a provider. */
  readonly schedules: number;
  /** How old a list of secrets may be. */
  readonly lag: Milliseconds;
  /** The longest freeze of a process. */
  readonly longestFreeze: Milliseconds;
  /** CloudWatch shows data up to two minutes late, and at least this late; without it, at once. */
  readonly leastLate?: Milliseconds;
  /** The longest travel time of a request or an answer. */
  readonly travel: Milliseconds;
  /** From then on no schedule of `refresh` runs; the watch does. */
  readonly schedulesDieAt?: EpochMs;
  /** A table is restored at some time to an earlier state. */
  readonly restore?: undefined | { readonly table: Table; readonly from: EpochMs; readonly at: EpochMs };
}

/** Whether there are no faults, apart from a neighbour. */
export const isUndisturbed = ({ troubles, secretsChange, sessionsEnd, edits }: SeedScenario): boolean =>
  troubles.length === 0 && !secretsChange && !sessionsEnd && !edits;

/** Long enough for every backoff, lease and tick to end. */
export const RECOVERY = minutes(15);

/** For most runs. A function's timeout is longer. */
export const LONGEST_FREEZE = seconds(150);

/** No faults, and no changes by people. */
export const CALM = {
  ...{ troubles: [], restore: undefined, secretsChange: false, sessionsEnd: false, edits: false, rests: false },
  ...{ neighbour: false, browser: false, packed: false, schedules: 1, lag: 0, maxSkew: 0 },
  ...{ travel: 150, longestFreeze: LONGEST_FREEZE },
} as const satisfies Partial<SeedScenario>;

/** The real token lifetime: an iOFFICE site's differs from the assumed one. */
export const lifeOf = ({ id, lifetime }: Pick<Provider, 'id' | 'lifetime'>): Milliseconds =>
  id === 'ioffice' ? hours(4) : lifetime;

/**
 * A few providers in parallel; or one over several renewals; or the one with the smallest rate limit, and many
 * connections.
 */
type Shape = 'several' | 'long' | 'crowded';

export const scenarioOf = (random: Random): SeedScenario => {
  const shape = random.pick<Shape>([
    'several',
    'several',
    'several',
    'several',
    'several',
    'several',
    'several',
    'long',
  ]);
  const scenario = random.chance(0.02) ? shaped(random, 'crowded') : shaped(random, shape);
  const special = specialised(random, scenario);
  return random.chance(0.25) ? { ...special, longestFreeze: minutes(30) } : special;
};

const specialised = (random: Random, scenario: SeedScenario): SeedScenario => {
  if (random.chance(0.12)) return besideANeighbour(random, scenario);
  const few = scenario.connections < 10;
  const edited = few && random.chance(0.3) ? whileDiscoveryDies(random, scenario) : scenario;
  return few && !edited.neighbour && random.chance(0.12) ? restored(random, edited) : edited;
};

const onlyCopies = { providers: providers.filter(({ id }) => id === 'ioffice'), browser: true };

/** A table is restored to a state of up to a day before; most often there are no other faults. */
const restored = (random: Random, scenario: SeedScenario): SeedScenario => {
  const span = scenario.calmFrom - SIMULATION_START;
  const at = plus(SIMULATION_START, Math.max(minutes(40), span * random.between(0.4, 0.9)));
  const from = epochMs(Math.max(SIMULATION_START + minutes(15), at - hours(24) * random.next() ** 2));
  const alone = random.chance(0.7);
  const calmFrom = epochMs(Math.max(scenario.calmFrom, plus(at, minutes(20))));
  return {
    ...scenario,
    restore: { table: random.pick(['tokens', 'connections']), from, at },
    troubles: [...(alone ? [] : scenario.troubles), { kind: 'restored', from: at, to: at, share: 0 }],
    ...(alone && { edits: false, secretsChange: false }),
    // An only copy is the first thing to be lost.
    ...(alone && random.chance(0.4) && { ...onlyCopies, sessionsEnd: false }),
    ...{ calmFrom, end: plus(scenario.end, calmFrom - scenario.calmFrom) },
  };
};

const shaped = (random: Random, shape: Shape): SeedScenario => {
  const chosen = providersOf(random, shape);
  const [troubled, calm] = spanOf(random, shape, chosen);
  const calmFrom = plus(SIMULATION_START, troubled);
  return {
    providers: chosen,
    connections: shape === 'crowded' ? random.whole(10, 25) : random.whole(1, 3),
    browser: random.chance(0.3),
    troubles: troublesOf(random, troubled),
    calmFrom,
    end: plus(calmFrom, RECOVERY + calm),
    readEvery: random.pick([minutes(2), minutes(7), minutes(20)]),
    // Rate limits use clocks: clocks that differ by seconds exceed the limit accordingly.
    maxSkew: shape === 'crowded' ? random.pick([0, 100]) : random.pick([0, 0, seconds(1), seconds(3)]),
    secretsChange: random.chance(0.5),
    sessionsEnd: random.chance(0.4),
    neighbour: shape !== 'crowded' && random.chance(0.1) && troubled <= hours(4),
    packed: random.chance(0.3),
    schedules: random.pick([1, 1, 1, 2, 4, 8]),
    lag: random.pick([0, 0, minutes(1), minutes(5)]),
    longestFreeze: LONGEST_FREEZE,
    travel: 150,
    edits: false,
    rests: false,
  };
};

/** People who edit secrets while discovery crashes, from time to time or until the calm, or while it runs. */
const whileDiscoveryDies = (random: Random, scenario: SeedScenario): SeedScenario => {
  const { calmFrom, troubles, packed } = scenario;
  const from = plus(SIMULATION_START, (calmFrom - SIMULATION_START) * random.next());
  const dying: Trouble = { kind: 'discovery dies', from, to: calmFrom, share: random.pick([0.3, 0.7, 1]) };
  const edited = {
    ...scenario,
    ...{ edits: true, packed: packed || random.chance(0.5), connections: random.whole(2, 4) },
    troubles: random.chance(0.6) ? [...troubles, dying] : troubles,
  };
  return random.chance(0.5) ? edited : { ...edited, rests: true, troubles: dyingNowAndThen(random, scenario) };
};

/**
 * Periods in which discovery crashes, and perhaps the provider is down: the unfinished work of each must be done soon
 * after it.
 */
const dyingNowAndThen = (random: Random, { calmFrom }: SeedScenario): Trouble[] => {
  const spells: Trouble[] = [];
  let from = plus(SIMULATION_START, minutes(random.between(10, 40)));
  while (from < calmFrom) {
    const to = epochMs(Math.min(calmFrom, from + minutes(random.between(10, 30))));
    spells.push({ kind: 'discovery dies', from, to, share: random.pick([0.3, 0.5, 0.7]) });
    const down = random.pick(['outage', 'provider storms', 'lost answers'] as const);
    if (random.chance(0.5)) spells.push({ kind: down, from, to, share: random.pick([0.3, 0.5]) });
    from = plus(to, minutes(random.between(30, 90)));
  }
  return spells;
};

/** A few hours in which only the neighbour can cause trouble; most often at the smallest limit. */
const besideANeighbour = (random: Random, scenario: SeedScenario): SeedScenario => {
  const limited = providers.filter(({ rateLimit }) => rateLimit !== undefined);
  const provider = random.chance(0.7) ? random.pick(limited as [Provider, ...Provider[]]) : scenario.providers[0];
  const calmFrom = plus(SIMULATION_START, hours(random.between(1, 3)));
  return {
    ...scenario,
    ...(provider && { providers: [provider] }),
    ...{
      neighbour: true,
      troubles: [],
      secretsChange: false,
      sessionsEnd: false,
      edits: false,
      maxSkew: 0,
      browser: false,
    },
    connections: random.whole(4, 20),
    calmFrom,
    end: plus(calmFrom, RECOVERY + minutes(30)),
  };
};

const providersOf = (random: Random, shape: Shape): readonly Provider[] => {
  if (shape === 'crowded') return providers.filter(({ id }) => id === 'officernd');
  const some = shape === 'several' ? providers.filter(() => random.chance(0.25)) : [];
  return some.length > 0 ? some : [random.pick(providers as [Provider, ...Provider[]])];
};

/** The duration of the troubles, and of the calm after them. */
const spanOf = (random: Random, shape: Shape, chosen: readonly Provider[]): readonly [Milliseconds, Milliseconds] => {
  const longest = Math.max(...chosen.map(lifeOf));
  // Tokens are renewed after half their lifetime: at least three renewals, and one after the troubles.
  if (shape === 'long') return [longest * random.between(1.6, 3), longest * 0.6];
  const shortest = Math.min(...chosen.map(tickOf));
  // A limited number of ticks: otherwise a run would take too long.
  return [
    Math.min(longest * random.between(1, 4), shortest * random.pick([50, 100, 300])),
    Math.min(longest, shortest * 30),
  ];
};

const troublesOf = (random: Random, span: Milliseconds): Trouble[] =>
  Array.from({ length: random.whole(0, 6) }, () => {
    const from = plus(SIMULATION_START, random.next() * span * 0.9);
    const rest = span - (from - SIMULATION_START);
    const length = Math.min(
      rest,
      random.pick([minutes(3), minutes(20), hours(1), hours(8), hours(72)]) * random.between(0.3, 1),
    );
    const kind = random.pick(troubleKinds);
    // Late requests arrive after the trouble, but before the calm.
    const to = plus(from, kind === 'slow provider' ? Math.min(length, Math.max(0, rest - LATEST)) : length);
    return { kind, from, to, share: random.pick([0.05, 0.3, 0.7, 1]) };
  });
