import { describe, expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import type { Health } from '../../lib/core/health.ts';
import { hours, seconds } from '../../lib/core/types.ts';
import type { DiscoverReport } from '../../lib/discovery/discover.ts';
import {
  measureBrokenRecord,
  measureDiscovery,
  measureError,
  measureHealth,
  measureRefresh,
  measureUnclaimed,
} from '../../lib/observe/measure.ts';
import { dimensionsOf, metrics as names } from '../../lib/observe/metrics.ts';
import {
  brokenRecord,
  instruments,
  logDiscovery,
  powertoolsObserver,
  publishHealth,
  publishing,
} from '../../lib/observe/powertools.ts';
import type { RefreshReport } from '../../lib/refresh/report.ts';
import type { SweepReport } from '../../lib/refresh/sweep.ts';
import { testClock } from '../kit/clock.ts';
import { capturedOutput } from '../kit/deployed.ts';
import { idOf, tickReport } from '../kit/records.ts';
import { textOf } from '../kit/repository.ts';

const clock = testClock();

const run: RefreshReport = {
  connection: idOf('acme'),
  result: 'refreshed',
  from: 'healthy',
  to: 'healthy',
  calls: 1,
  took: 5,
  warnings: [],
};
const tick: SweepReport = { ...tickReport, connections: 3 };
const health: Health = {
  connections: 3,
  byStatus: { new: 0, healthy: 3, failing: 0, attention: 0 },
  lowestLife: 0.5,
  longestOverdue: 0.25,
  longestFailing: 0,
};
const found: DiscoverReport = {
  secrets: 1,
  read: 0,
  connections: 0,
  added: [],
  changed: [],
  revived: [],
  retired: [],
  removed: [],
  problems: [],
  failures: [],
};
const problem = { secret: 'token-refresher/nobody/x', code: 'unknown_provider' } as const;
const one = (name: string) => ({ name, unit: 'Count', value: 1 });

const attempt = (value: 0 | 1) => ({ ...one('Failed'), value });
const call = one('Calls');

describe('a run', () => {
  it.each<[RefreshReport['result'], readonly object[]]>([
    ['refreshed', [attempt(0), call]],
    ['failed', [attempt(1), call]],
    ['attention', [attempt(1), call]],
    ['postponed', [call, one('Postponed')]],
    ['unchanged', [call]],
    ['lost', [call]],
    ['retired', [call]],
  ])('that ended as %s measures %j', (result, samples) => {
    expect(measureRefresh({ ...run, result })).toEqual(samples);
  });

  it('measures its calls, if there were any', () => {
    expect(measureRefresh({ ...run, calls: 3 })).toEqual([attempt(0), { ...call, value: 3 }]);
    expect(measureRefresh({ ...run, calls: 0 })).toEqual([attempt(0)]);
  });

  it.each(['keep', 'publish', 'settle'] as const)('whose %s the store did not take counts it', commitFailed => {
    expect(measureRefresh({ ...run, commitFailed })).toEqual([attempt(0), call, one('CommitFailures')]);
  });

  it('that could not claim its connection is a commit failure', () => {
    expect(measureUnclaimed()).toEqual([one('CommitFailures')]);
  });
});

describe('an invocation that fails as a whole', () => {
  it('counts a store that refused, and nothing that is our own fault', () => {
    expect(measureError(new RefresherError('store_failed', 'refused'))).toEqual([one('CommitFailures')]);
    expect(measureError(new TypeError('a bug'))).toEqual([]);
  });
});

describe('the watch', () => {
  const seen = [
    { name: 'LongestOverdue', unit: 'NoUnit', value: 0.25 },
    { name: 'LowestLife', unit: 'NoUnit', value: 0.5 },
  ];

  it('measures life and overdue every time, and nothing else if all is well', () => {
    expect(measureHealth(health)).toEqual(seen);
    expect(measureHealth({ ...health, longestOverdue: 0, lowestLife: 0 })).toMatchObject([{ value: 0 }, { value: 0 }]);
  });

  it('counts the connections that need attention, and no others', () => {
    const byStatus = { new: 4, healthy: 5, failing: 6, attention: 2 };
    expect(measureHealth({ ...health, byStatus })).toEqual([...seen, { ...one('NeedsAttention'), value: 2 }]);
  });

  it('measures how long the longest failing connection has failed', () => {
    const failing = { name: 'LongestFailing', unit: 'Milliseconds', value: 7 };
    expect(measureHealth({ ...health, longestFailing: 7 })).toEqual([...seen, failing]);
  });

  it('measures the days until the first expiry, if anything has an end', () => {
    const next = { name: 'NextExpiry', unit: 'NoUnit', value: 1.5 };
    expect(measureHealth({ ...health, nextExpiry: hours(36) })).toEqual([...seen, next]);
  });

  it('counts problems and broken records as one metric', () => {
    expect(measureDiscovery(found)).toEqual([]);
    expect(measureDiscovery({ ...found, problems: [problem, problem] })).toEqual([
      { ...one('DiscoveryProblems'), value: 2 },
    ]);
    expect(measureBrokenRecord()).toEqual([one('DiscoveryProblems')]);
  });
});

describe('what is measured', () => {
  const published = (report: (instrument: ReturnType<typeof instruments>) => void) => {
    const output = capturedOutput();
    const instrument = instruments('shop');
    report(instrument);
    const hook: unknown = publishing(instrument.metrics).after;
    Reflect.apply(hook as () => void, undefined, [{}]);
    return output()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, unknown>);
  };

  it('is logged with the line', () => {
    const lines = published(({ logger, metrics }) => {
      const observer = powertoolsObserver(logger, metrics, clock);
      observer.refresh(run);
      observer.unclaimed(run.connection, 'store_failed');
      observer.sweep(tick);
      logDiscovery(logger, metrics, { ...found, problems: [problem] });
      brokenRecord(logger, metrics)(new RefresherError('store_failed', 'could not read'));
    });
    expect(lines).toMatchObject([
      { level: 'INFO', message: 'refresh' },
      { level: 'ERROR', message: 'connection not claimed', connection: run.connection, code: 'store_failed' },
      { level: 'INFO', message: 'tick', provider: 'petrosoft', connections: 3, due: 1 },
      { level: 'WARN', message: 'discovery problem', ...problem },
      { level: 'INFO', message: 'discovery' },
      { level: 'ERROR', message: 'record that cannot be read', code: 'store_failed' },
      { service: 'shop', Failed: 0, Calls: 1, CommitFailures: 1, DiscoveryProblems: [1, 1] },
    ]);
  });

  it('has the deployment as its only dimension', () => {
    const lines = published(({ metrics }) => metrics.addMetric('Calls', 'Count', 1));
    expect(lines).toMatchObject([{ _aws: { CloudWatchMetrics: [{ Dimensions: [['service']] }] }, service: 'shop' }]);
    expect(dimensionsOf('shop')).toStrictEqual({ service: 'shop' });
  });

  it('by the watch leaves at once', () => {
    const output = capturedOutput();
    const { logger, metrics } = instruments('shop');
    publishHealth(logger, metrics)(health);
    expect(output()).toContain('"LongestOverdue":0.25');
  });

  it('of a tick is published every half a minute, even if the tick hangs', () => {
    const output = capturedOutput();
    const { logger, metrics } = instruments('shop');
    const observer = powertoolsObserver(logger, metrics, clock);
    observer.refresh(run);
    expect(output()).not.toContain('"Calls":1');
    clock.pass(seconds(30));
    observer.refresh(run);
    expect(output()).toContain('"Calls":[1,1]');
  });

  it('is nothing if nothing was reported', () => expect(published(() => {})).toEqual([]));
});

it.each(Object.values(names))('%s is measured in a test above', name => {
  expect(textOf('test/observe/measure.test.ts')).toContain(`'${name}'`);
});

it.each(Object.keys(names))('%s gets a value somewhere', name => {
  const source = textOf('lib/observe/measure.ts');
  expect(source.includes(`names.${name}`), 'lib/observe/measure.ts must give it a value').toBe(true);
});
