import { describe, expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import {
  brokenRecord,
  errorOf,
  instruments,
  logDiscovery,
  powertoolsObserver,
  publishing,
  unsentNews,
} from '../../lib/observe/powertools.ts';
import type { RefreshReport } from '../../lib/refresh/report.ts';
import { testClock } from '../kit/clock.ts';
import { capturedOutput } from '../kit/deployed.ts';
import { idOf, tickReport } from '../kit/records.ts';

const PLANTED = 'planted-word-7a3b';
const report: RefreshReport = {
  connection: idOf('acme'),
  result: 'refreshed',
  from: 'healthy',
  to: 'healthy',
  calls: 1,
  took: 5,
  warnings: [],
};
const linesOf = (output: string) =>
  output
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Record<string, unknown>);
const setUp = () => {
  const output = capturedOutput();
  const { logger, metrics } = instruments('petrosoft');
  return {
    logger,
    metrics,
    observer: powertoolsObserver(logger, metrics, testClock()),
    lines: () => linesOf(output()),
    output,
  };
};

describe('the log', () => {
  it.each<[RefreshReport['result'], Partial<RefreshReport>, string]>([
    ['refreshed', {}, 'INFO'],
    ['lost', {}, 'INFO'],
    ['refreshed', { warnings: ['scope_narrowed'] }, 'WARN'],
    ['refreshed', { repaired: true }, 'WARN'],
    ['failed', { error: { code: 'timeout' } }, 'WARN'],
    ['attention', { error: { code: 'invalid_grant', status: 401 } }, 'ERROR'],
    ['refreshed', { commitFailed: 'settle' }, 'ERROR'],
  ])('says of a run that %s %j at which level it wants to be read', (result, more, level) => {
    const { observer, lines } = setUp();
    observer.refresh({ ...report, ...more, result });
    expect(lines()).toMatchObject([{ level, message: 'refresh', connection: 'test-provider/acme', result, ...more }]);
  });

  it('holds of a report what is on the list, and nothing that came along with it', () => {
    const { observer, output } = setUp();
    for (const result of ['refreshed', 'failed', 'attention'] as const)
      observer.refresh({ ...report, result, ...{ accessToken: PLANTED, body: PLANTED } });
    observer.sweep({ ...tickReport, ...{ secret: PLANTED } });
    expect(output()).not.toContain(PLANTED);
  });

  it('logs the class of an error, and its message if it is our own', () => {
    const foreign = new TypeError(PLANTED, { cause: new Error(PLANTED) });
    expect(errorOf(foreign)).toEqual({ error: 'TypeError' });
    expect(errorOf(PLANTED)).toEqual({ error: 'string' });
    const ours = new RefresherError('store_failed', 'could not read', { cause: foreign });
    expect(errorOf(ours)).toEqual({ error: 'RefresherError', code: 'store_failed', detail: 'could not read' });
    const { logger, metrics, output } = setUp();
    brokenRecord(logger, metrics)(ours);
    expect(output()).toContain('store_failed');
    expect(output()).not.toContain(PLANTED);
  });

  it('says that a mail or an event was not taken, and counts it: no mail could say so', () => {
    const { logger, metrics, output, lines } = setUp();
    unsentNews(logger, metrics)(new Error(PLANTED));
    metrics.publishStoredMetrics();
    expect(lines()).toMatchObject([
      { level: 'ERROR', message: 'news not sent', error: 'Error' },
      { CommitFailures: 1 },
    ]);
    expect(output()).not.toContain(PLANTED);
  });

  it('names what discovery found wrong', () => {
    const { logger, metrics, lines } = setUp();
    const none = { added: [], changed: [], revived: [], retired: [], removed: [], failures: [] };
    const problems = [{ secret: 'token-refresher/nobody/x', code: 'unknown_provider' }] as const;
    logDiscovery(logger, metrics, { secrets: 1, read: 0, connections: 0, ...none, problems });
    expect(lines()).toMatchObject([
      { level: 'WARN', ...problems[0] },
      { level: 'INFO', secrets: 1 },
    ]);
  });
});

describe('the metrics', () => {
  const call = (hook: unknown) => Reflect.apply(hook as () => void, undefined, [{}]);

  it('are published once an invocation ends, successful or not, and then start again', () => {
    const { metrics, observer, lines } = setUp();
    const { after, onError } = publishing(metrics);
    observer.refresh(report);
    call(after);
    call(after);
    observer.refresh(report);
    call(onError);
    expect(lines().filter(line => '_aws' in line)).toHaveLength(2);
  });

  it('never carry a connection, and have the deployment as their only dimension', () => {
    const { metrics, observer, lines } = setUp();
    for (let n = 0; n < 250; n++) {
      observer.refresh({ ...report, connection: idOf(`acme-${n}`), result: n % 2 ? 'failed' : 'refreshed' });
    }
    metrics.publishStoredMetrics();
    const emf = lines().filter(line => '_aws' in line);
    expect(emf.length).toBeGreaterThan(0);
    for (const line of emf) {
      expect(JSON.stringify(line)).not.toContain('acme');
      expect(line).toMatchObject({
        service: 'petrosoft',
        _aws: { CloudWatchMetrics: [{ Dimensions: [['service']] }] },
      });
    }
  });
});
