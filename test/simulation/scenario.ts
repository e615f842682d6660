import { tickOf } from '../../lib/core/policy.ts';
import type { Provider } from '../../lib/core/provider.ts';
import { type EpochMs, hours, type Milliseconds, minutes, plus, seconds } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { type Trouble, troubleKinds } from './faults.ts';
import { START } from './network.ts';
import type { Random } from './random.ts';

/** What one seed makes happen. */
export interface Scenario {
  readonly providers: readonly Provider[];
  /** How many connections each provider has. */
  readonly connections: number;
  /** Of iOFFICE’s connections, those whose customer lets no login be stored. */
  readonly browser: boolean;
  readonly troubles: readonly Trouble[];
  /** From then on nothing goes wrong any more. */
  readonly calmFrom: EpochMs;
  readonly end: EpochMs;
  readonly readEvery: Milliseconds;
  readonly maxSkew: Milliseconds;
  /** Whether people change secrets, and providers end sessions. */
  readonly secretsChange: boolean;
  readonly sessionsEnd: boolean;
}

/** Long enough for everything that backs off, leases or waits for a tick to be over. */
export const RECOVERY = minutes(15);

export const scenarioOf = (random: Random): Scenario => {
  const chosen = providers.filter(() => random.chance(0.25));
  const some = chosen.length > 0 ? chosen : [random.pick(providers as [Provider, ...Provider[]])];
  const longest = Math.max(...some.map(provider => Math.min(provider.lifetime, hours(24))));
  const shortest = Math.min(...some.map(tickOf));
  // Months in a minute: as long as a few lifetimes, but no longer than so many ticks.
  const troubled = Math.min(longest * random.between(1, 4), shortest * random.pick([50, 100, 300]));
  const calmFrom = plus(START, troubled);
  return {
    providers: some,
    connections: random.whole(1, 3),
    browser: random.chance(0.3),
    troubles: troublesOf(random, troubled),
    calmFrom,
    end: plus(calmFrom, RECOVERY + Math.min(longest, shortest * 30)),
    readEvery: random.pick([minutes(2), minutes(7), minutes(20)]),
    maxSkew: random.pick([0, 0, seconds(1), seconds(3)]),
    secretsChange: random.chance(0.5),
    sessionsEnd: random.chance(0.4),
  };
};

const troublesOf = (random: Random, span: Milliseconds): Trouble[] =>
  Array.from({ length: random.whole(0, 6) }, () => {
    const from = plus(START, random.next() * span * 0.9);
    const rest = span - (from - START);
    const length = Math.min(
      rest,
      random.pick([minutes(3), minutes(20), hours(1), hours(8), hours(72)]) * random.between(0.3, 1),
    );
    return { kind: random.pick(troubleKinds), from, to: plus(from, length), share: random.pick([0.05, 0.3, 0.7, 1]) };
  });
