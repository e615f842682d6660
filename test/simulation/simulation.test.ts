import { describe, expect, test } from 'vitest';
import { hours, minutes, plus } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { firstOf } from '../kit/thorough.ts';
import type { Trouble } from './faults.ts';
import { SIMULATION_START } from './network.ts';
import { SeedRun } from './run.ts';
import { CALM, type SeedScenario } from './scenario.ts';

const calm = (end: number): Partial<SeedScenario> => ({
  ...CALM,
  calmFrom: plus(SIMULATION_START, minutes(1)),
  end: plus(SIMULATION_START, end),
  readEvery: minutes(20),
});

const all = (kind: Trouble['kind'], from: number, to: number): Trouble => ({
  kind,
  from: plus(SIMULATION_START, from),
  to: plus(SIMULATION_START, to),
  share: 1,
});

describe('a run', () => {
  test.each([11, 42, 4711])('replays to the letter from its seed (%i)', async seed => {
    const first = new SeedRun(seed);
    const second = new SeedRun(seed);
    expect(await first.run()).toEqual(await second.run());
    expect(first.logged.digest('hex')).toBe(second.logged.digest('hex'));
  });

  test('differs from that of another seed', async () => {
    expect((await new SeedRun(1).run()).steps).not.toBe((await new SeedRun(2).run()).steps);
  });
});

describe('alarms', () => {
  test('130 connections of OfficeRnD need no more than its five calls a minute', async () => {
    const run = new SeedRun(5, {
      ...calm(hours(4)),
      providers: providers.filter(({ id }) => id === 'officernd'),
      connections: 130,
      calmFrom: plus(SIMULATION_START, hours(1)),
    });
    const { violations } = await run.run();
    expect(violations).toEqual([]);
    // Until all of them have their first token, alarms report the missing ones.
    const fired = run.alarms.flatMap(alarm =>
      alarm.fired.filter(({ from }) => from > plus(SIMULATION_START, minutes(30))),
    );
    expect(fired).toEqual([]);
  });

  // A provider with long lifetimes is polled rarely: there a missing discovery is noticed instead.
  const deployments = [
    { of: 'all providers', deployed: providers },
    ...providers.map(each => ({ of: each.id, deployed: [each] })),
  ];
  test.each(deployments)('a dead scheduler of $of is noticed within eight minutes', async ({ deployed }) => {
    const dead = minutes(90);
    const scenario = {
      ...calm(hours(3)),
      providers: deployed,
      connections: 1,
      calmFrom: plus(SIMULATION_START, hours(2)),
    };
    const run = new SeedRun(8, { ...scenario, troubles: [all('missed ticks', dead, hours(2))] });
    await run.run();
    const first = Math.min(...run.alarms.flatMap(({ fired }) => fired.map(({ from }) => from)));
    expect(first).toBeGreaterThan(plus(SIMULATION_START, dead));
    expect(first).toBeLessThanOrEqual(plus(SIMULATION_START, dead + minutes(8)));
  });

  const kinds: readonly Trouble['kind'][] = [
    'outage',
    'crashes',
    'store throttled',
    'malformed answers',
    'missed ticks',
    'freezes',
  ];
  // First each kind with another provider.
  const cases = kinds
    .flatMap((kind, k) =>
      providers.map((provider, p) => ({ kind, provider, turn: (p - k + providers.length) % providers.length })),
    )
    .toSorted((one, other) => one.turn - other.turn)
    .map(({ kind, provider }) => [kind, provider] as const);
  test.each(firstOf(kinds.length, cases))(
    '%s for good: it is reported before the token expires',
    async (kind, provider) => {
      const from = hours(1);
      const to = from + Math.max(hours(8), provider.lifetime * 1.5);
      const scenario: Partial<SeedScenario> = {
        ...calm(to + hours(1)),
        providers: [provider],
        connections: 1,
        troubles: [all(kind, from, to)],
        calmFrom: plus(SIMULATION_START, to),
      };
      const run = new SeedRun(9, scenario);
      const { violations } = await run.run();
      expect(violations).toEqual([]);
      const reported = run.alarms.filter(alarm =>
        alarm.firedBetween(plus(SIMULATION_START, from), plus(SIMULATION_START, to)),
      );
      expect(reported.length).toBeGreaterThan(0);
    },
  );

  test('processes that are suspended for half an hour go on with what they knew before, and do no harm', async () => {
    const run = new SeedRun(5, {
      ...calm(hours(14)),
      providers,
      connections: 2,
      browser: true,
      secretsChange: true,
      longestFreeze: minutes(30),
      troubles: [{ ...all('freezes', hours(1), hours(10)), share: 0.2 }],
      calmFrom: plus(SIMULATION_START, hours(10)),
    });
    const { violations, faults } = await run.run();
    expect(violations).toEqual([]);
    expect(Object.entries(faults).filter(([kind]) => kind.startsWith('suspended')).length).toBeGreaterThan(10);
  });

  test('a refused login is reported at once', async () => {
    const run = new SeedRun(3, {
      ...calm(hours(30)),
      providers: providers.filter(({ id }) => id === 'petrosoft'),
      connections: 1,
      calmFrom: plus(SIMULATION_START, hours(21)),
    });
    run.storeSecret(hours(2), 'wrong password');
    run.storeSecret(hours(20), 'good');
    const { violations } = await run.run();
    expect(violations).toEqual([]);
    const fired = run.alarms.find(({ spec }) => spec.id === 'attention')?.fired ?? [];
    expect(fired).toHaveLength(1);
    expect(fired[0]?.from).toBeLessThanOrEqual(plus(SIMULATION_START, hours(2) + minutes(11)));
    expect(fired[0]?.to).toBeLessThanOrEqual(plus(SIMULATION_START, hours(20) + minutes(11)));
  });
});
