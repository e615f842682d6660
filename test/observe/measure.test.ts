import { describe, expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import {
  measureBrokenRecord,
  measureDiscovery,
  measureRefresh,
  measureSweep,
  measureUnclaimed,
} from '../../lib/observe/measure.ts';
import { dimensionsOf } from '../../lib/observe/metrics.ts';
import {
  brokenRecord,
  instruments,
  powertoolsObserver,
  publishing,
  logDiscovery,
} from '../../lib/observe/powertools.ts';
import type { DiscoverReport } from '../../lib/shell/discover.ts';
import type { RefreshReport } from '../../lib/shell/refresh.ts';
import type { SweepReport } from '../../lib/shell/sweep.ts';
import { capturedOutput } from '../support/deployed.ts';
import { idOf, tickReport } from '../support/records.ts';

const run: RefreshReport = {
  connection: idOf('acme'),
  result: 'refreshed',
  from: 'healthy',
  to: 'healthy',
  calls: 1,
  took: 5,
  warnings: [],
};
const tick: SweepReport = {
  ...tickReport,
  connections: 3,
  byStatus: { ...tickReport.byStatus, healthy: 3 },
  oldestOverdue: 7,
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

describe('a run', () => {
  it.each<[RefreshReport['result'], readonly string[]]>([
    ['refreshed', ['Refreshed']],
    ['failed', ['Failed']],
    ['attention', ['Failed']],
    ['postponed', ['Postponed']],
    ['lost', []],
    ['retired', []],
  ])('that ended as %s counts as %j', (result, names) => {
    expect(measureRefresh({ ...run, result })).toEqual(names.map(one));
  });

  it.each(['keep', 'publish', 'settle'] as const)(
    'whose %s the store did not take counts as that too',
    commitFailed => {
      expect(measureRefresh({ ...run, commitFailed })).toEqual([one('Refreshed'), one('CommitFailures')]);
      expect(measureRefresh({ ...run, result: 'failed', commitFailed })).toEqual([
        one('Failed'),
        one('CommitFailures'),
      ]);
    },
  );

  it('that could not claim its connection is a commit failure', () => {
    expect(measureUnclaimed()).toEqual([one('CommitFailures')]);
  });

  it('that finds a broken record counts it', () => {
    expect(measureBrokenRecord()).toEqual([one('BrokenRecords')]);
  });
});

describe('a tick', () => {
  const overdue = { name: 'OldestOverdue', unit: 'Milliseconds', value: 7 };
  const ofConnections = [
    { name: 'LowestLife', unit: 'NoUnit', value: 0.5 },
    { name: 'Connections', unit: 'Count', value: 3 },
  ];

  it('measures how long was waited, the least life and the connections', () => {
    expect(measureSweep(tick)).toEqual([overdue, ...ofConnections]);
  });

  it('measures a wait and a life of nothing as well', () => {
    expect(measureSweep({ ...tick, oldestOverdue: 0, lowestLife: 0 })).toMatchObject([
      { name: 'OldestOverdue', value: 0 },
      { name: 'LowestLife', value: 0 },
      { name: 'Connections', value: 3 },
    ]);
  });

  it('over one connection measures it', () => {
    expect(measureSweep({ ...tick, connections: 1 })).toContainEqual(one('Connections'));
  });

  it('without connections is a heartbeat and no more', () => {
    const byStatus = { ...tick.byStatus, healthy: 0 };
    expect(measureSweep({ ...tick, connections: 0, byStatus, oldestOverdue: 0, lowestLife: 1 })).toEqual([
      { ...overdue, value: 0 },
    ]);
  });

  it('counts those that need attention, and no others, where there are some', () => {
    const byStatus = { new: 4, healthy: 5, failing: 6, attention: 2 };
    expect(measureSweep({ ...tick, byStatus })).toEqual([
      overdue,
      ...ofConnections,
      { name: 'NeedsAttention', unit: 'Count', value: 2 },
    ]);
  });
});

describe('a discovery', () => {
  it('counts its problems, none too', () => {
    expect(measureDiscovery(found)).toEqual([{ ...one('DiscoveryProblems'), value: 0 }]);
    expect(measureDiscovery({ ...found, problems: [problem, problem] })).toEqual([
      { ...one('DiscoveryProblems'), value: 2 },
    ]);
  });
});

describe('what is measured', () => {
  const published = (told: (instrument: ReturnType<typeof instruments>) => void, provider?: string) => {
    const output = capturedOutput();
    const instrument = instruments(provider);
    told(instrument);
    const hook: unknown = publishing(instrument.metrics).after;
    Reflect.apply(hook as () => void, undefined, [{}]);
    return output()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, unknown>);
  };

  it('is said with the line in the log', () => {
    const lines = published(({ logger, metrics }) => {
      const observer = powertoolsObserver(logger, metrics);
      observer.refresh(run);
      observer.unclaimed(run.connection, 'store_failed');
      observer.sweep(tick);
      logDiscovery(logger, metrics, { ...found, problems: [problem] });
      brokenRecord(logger, metrics)(new RefresherError('store_failed', 'could not read'));
    }, 'petrosoft');
    expect(lines).toMatchObject([
      { level: 'INFO', message: 'refresh' },
      { level: 'ERROR', message: 'connection not claimed', connection: run.connection, code: 'store_failed' },
      { level: 'INFO', message: 'tick', provider: 'petrosoft', connections: 3, due: 1 },
      { level: 'WARN', message: 'discovery problem', ...problem },
      { level: 'INFO', message: 'discovery' },
      { level: 'ERROR', message: 'record that cannot be read', code: 'store_failed' },
      { Refreshed: 1, CommitFailures: 1, OldestOverdue: 7, Connections: 3, DiscoveryProblems: 1, BrokenRecords: 1 },
    ]);
  });

  it('has the dimensions by which it is looked for', () => {
    for (const provider of ['petrosoft', undefined]) {
      const lines = published(({ metrics }) => metrics.addMetric('Refreshed', 'Count', 1), provider);
      const dimensions = dimensionsOf(provider);
      expect(lines).toMatchObject([{ _aws: { CloudWatchMetrics: [{ Dimensions: [Object.keys(dimensions)] }] } }]);
      expect(lines).toMatchObject([dimensions]);
    }
    expect(dimensionsOf()).toStrictEqual({ service: 'token-refresher' });
  });

  it('is nothing where nothing was told', () => expect(published(() => {})).toEqual([]));
});
