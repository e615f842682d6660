import { expect, test } from 'vitest';
import { alarmsFor } from '../../infra/alarms.ts';
import { hours, type Milliseconds, minutes, plus, seconds } from '../../lib/core/types.ts';
import type { SecretSource } from '../../lib/ports.ts';
import { providers } from '../../lib/providers/index.ts';
import type { SecretAdmin } from '../kit/memory.ts';
import { deployment } from './aws-metrics.ts';
import type { Trouble } from './faults.ts';
import { HOSTILE_URL } from './neighbour.ts';
import { SIMULATION_START } from './network.ts';
import { SeedRun } from './run.ts';
import { CALM, type SeedScenario } from './scenario.ts';

/** The time of the fault: each connection has a token, and no alarm is on. */
const FROM = hours(13);

interface Fault {
  readonly what: string;
  /** The duration of the fault. */
  readonly for: Milliseconds;
  /** The fault must be reported within this time. */
  readonly within: Milliseconds;
  readonly of: readonly string[];
  readonly trouble?: Omit<Trouble, 'from' | 'to'>;
  readonly change?: Partial<SeedScenario>;
  readonly act?: (run: SeedRun) => void;
}

const secretOf = (name: string) => `token-refresher/${name}`;

/** Changes fields of the first secret of a provider. */
const edit = async (secrets: SecretSource & SecretAdmin, provider: string, fields: object): Promise<void> => {
  const [first] = await secrets.list(secretOf(provider));
  const { text = '{}' } = (first && (await secrets.get(first.name))) ?? {};
  if (first) await secrets.put(first.name, JSON.stringify({ ...JSON.parse(text), ...fields }));
};

/** For each alarm, a fault that no other alarm reports in time: when it ends, no token has expired. */
const faults: Readonly<Record<string, Fault>> = {
  'watch-silent': {
    what: 'the schedule of the watch is disabled',
    ...{ for: minutes(30), within: minutes(8), of: ['petrosoft'] },
    trouble: { kind: 'missed ticks', of: 'watch', share: 1 },
  },
  overdue: {
    what: 'a secret is added while the schedule of its provider is disabled',
    ...{ for: hours(3), within: hours(2.5), of: ['petrosoft'] },
    trouble: { kind: 'missed ticks', of: 'refresh', share: 1 },
    act: run => run.at(FROM, secrets => secrets.put(secretOf('petrosoft/new'), '{}')),
  },
  'life-low': {
    what: 'one of forty secrets names a host that does not answer',
    ...{ for: minutes(40), within: minutes(40), of: ['officernd'] },
    change: { connections: 40 },
    act: run => run.at(FROM, secrets => edit(secrets, 'officernd', { baseUrl: `${HOSTILE_URL}/officernd` })),
  },
  attention: {
    what: 'a secret gets a wrong password',
    ...{ for: hours(2), within: minutes(10), of: ['petrosoft'] },
    act: run => run.storeSecret(FROM, 'wrong password'),
  },
  'discovery-problems': {
    what: 'a secret is of a provider that is not deployed',
    ...{ for: minutes(30), within: minutes(10), of: ['petrosoft'] },
    act: run => run.at(FROM, secrets => secrets.put(secretOf('nobody/acme'), '{}')),
  },
  expiring: {
    what: 'a password expires in a week',
    ...{ for: minutes(30), within: minutes(10), of: ['petrosoft'] },
    act: run => run.at(FROM, secrets => edit(secrets, 'petrosoft', { expires: '2026-01-08' })),
  },
  'refreshes-failing': {
    what: 'a provider whose tokens have hours left is down',
    ...{ for: hours(1), within: minutes(30), of: ['powerepos'] },
    trouble: { kind: 'outage', share: 1 },
  },
  'commits-failing': {
    what: 'the role of a refresh function loses the right to write',
    ...{ for: minutes(20), within: minutes(15), of: ['powerepos'] },
    trouble: { kind: 'writes refused', of: 'refresh', share: 1 },
  },
  'functions-failing': {
    what: 'a refresh function dies each time',
    ...{ for: minutes(20), within: minutes(15), of: ['powerepos'] },
    trouble: { kind: 'crashes', of: 'refresh', share: 1 },
  },
  'tables-throttled': {
    what: 'a table is throttled, and takes each request at the second try',
    ...{ for: minutes(30), within: minutes(15), of: ['petrosoft'] },
    trouble: { kind: 'store busy', of: 'api', share: 0.3 },
  },
  'api-errors': {
    what: 'the API function dies',
    ...{ for: minutes(30), within: minutes(10), of: ['petrosoft'] },
    trouble: { kind: 'crashes', of: 'api', share: 1 },
  },
  'api-slow': {
    what: 'the API function takes twenty seconds',
    ...{ for: minutes(30), within: minutes(10), of: ['petrosoft'] },
    trouble: { kind: 'freezes', of: 'api', share: 1 },
    change: { longestFreeze: seconds(25) },
  },
};

test.each(Object.entries(faults).map(([id, fault]) => ({ id, ...fault })))(
  '$id alone reports: $what',
  async ({ id, ...fault }) => {
    const from = plus(SIMULATION_START, FROM);
    const to = plus(from, fault.for);
    const run = new SeedRun(1, {
      ...CALM,
      ...{ readEvery: seconds(20), connections: 2, providers: providers.filter(each => fault.of.includes(each.id)) },
      ...{ calmFrom: to, end: plus(to, minutes(15)) },
      troubles: fault.trouble ? [{ ...fault.trouble, from, to }] : [],
      ...fault.change,
    });
    fault.act?.(run);
    await run.run();
    const fired = run.alarms.flatMap(alarm =>
      alarm.fired
        .filter(each => each.from < to && (each.to ?? to) >= from)
        .map(each => ({ id: alarm.spec.id, after: each.from - from })),
    );
    expect([...new Set(fired.map(each => each.id))]).toEqual([id]);
    expect(fired[0]?.after).toBeGreaterThan(0);
    expect(fired[0]?.after).toBeLessThanOrEqual(fault.within);
    expect(run.expiries.filter(at => at >= from && at < to)).toEqual([]);
  },
);

test('each alarm has such a fault', () => {
  expect(Object.keys(faults).toSorted()).toEqual(
    alarmsFor(deployment)
      .map(({ id }) => id)
      .toSorted(),
  );
});
