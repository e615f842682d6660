import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { MiddlewareObj } from '@middy/core';
import { RefresherError } from '../core/errors.ts';
import type { Health } from '../core/health.ts';
import { plus, seconds } from '../core/types.ts';
import type { DiscoverReport } from '../discovery/discover.ts';
import type { Clock } from '../ports.ts';
import type { RefreshReport } from '../refresh/report.ts';
import type { Observer } from '../refresh/sweep.ts';
import {
  measureBrokenRecord,
  measureDiscovery,
  measureError,
  measureHealth,
  measureRefresh,
  measureUnclaimed,
  measureUnsent,
  type Sample,
} from './measure.ts';
import { NAMESPACE } from './metrics.ts';

/** The logger and the metrics of a deployment's function. */
export const instruments = (deployment: string): { readonly logger: Logger; readonly metrics: Metrics } => ({
  logger: new Logger({ serviceName: deployment }),
  metrics: new Metrics({ namespace: NAMESPACE, serviceName: deployment }),
});

/** Publishes the metrics of an invocation, even if it failed; without metrics it publishes nothing. */
export const publishing = (metrics: Metrics): MiddlewareObj => {
  const publish = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  const failed = ({ error }: { readonly error: unknown }) => {
    emit(metrics, measureError(error));
    publish();
  };
  return { after: publish, onError: failed };
};

/**
 * Writes reports to logs and metrics. By their types, reports hold only codes, numbers and names of connections, and
 * their fields are written one by one: an allow-list. The connection is logged, but is never part of a metric.
 */
export const powertoolsObserver = (logger: Log, metrics: Metrics, clock: Pick<Clock, 'now'>): Observer => {
  const log = logObserver(logger);
  let published = clock.now();
  // A tick may take minutes, or hang: metrics must not wait for its end.
  const publishNowAndThen = () => {
    if (clock.now() < plus(published, PUBLISH_EVERY)) return;
    published = clock.now();
    // A hundred values are published automatically. Publishing none would log a warning of Powertools.
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  return {
    refresh: report => {
      emit(metrics, measureRefresh(report));
      log.refresh(report);
      publishNowAndThen();
    },
    retired: log.retired,
    unclaimed: (connection, code) => {
      emit(metrics, measureUnclaimed());
      log.unclaimed(connection, code);
    },
    outOfTime: log.outOfTime,
    sweep: log.sweep,
  };
};

/** The part of a logger that is used. */
export interface Log {
  info(message: string, extra: Record<string, unknown>): void;
  warn(message: string, extra: Record<string, unknown>): void;
  error(message: string, extra: Record<string, unknown>): void;
}

/** The log lines of reports. */
export const logObserver = (logger: Log): Observer => ({
  refresh: report => logRefresh(logger, report),
  unclaimed: (connection, code) => logger.error('connection not claimed', { connection, code }),
  retired: (connection, result) => logger.info('retired connection', { connection, result }),
  outOfTime: left => logger.warn('tick out of time', { left }),
  sweep: ({ provider, connections, due, left, results, calls, took }) =>
    logger.info('tick', { provider, connections, due, left, results, calls, took }),
});

const PUBLISH_EVERY = seconds(30);

const emit = (metrics: Metrics, samples: readonly Sample[]): void => {
  for (const { name, unit, value } of samples) metrics.addMetric(name, MetricUnit[unit], value);
};

const logRefresh = (logger: Log, report: RefreshReport): void => {
  const { connection, result, from, to, calls, took, version, expiresAt, dueAt, error, warnings, commitFailed } =
    report;
  const { originChanged, bug, repaired } = report;
  const line = {
    ...{ connection, result, from, to, calls, took, version, expiresAt, dueAt, error, warnings, commitFailed },
    ...{ originChanged, bug, repaired },
  };
  if (result === 'attention' || commitFailed || bug) logger.error('refresh', line);
  else if (result === 'failed' || warnings.length > 0 || repaired) logger.warn('refresh', line);
  else logger.info('refresh', line);
};

/** The metrics of the watch. They are published at once, since what follows may fail. */
export const publishHealth =
  (logger: Log, metrics: Metrics) =>
  (health: Health): void => {
    emit(metrics, measureHealth(health));
    metrics.publishStoredMetrics();
    const { connections, byStatus, lowestLife, longestOverdue, longestFailing } = health;
    logger.info('health', { connections, byStatus, lowestLife, longestOverdue, longestFailing });
  };

export const logDiscovery = (logger: Logger, metrics: Metrics, report: DiscoverReport): void => {
  emit(metrics, measureDiscovery(report));
  for (const problem of report.problems) logger.warn('discovery problem', { ...problem });
  const { secrets, read, connections, added, changed, revived, retired, removed, failures } = report;
  if (failures.length > 0) logger.error('discovery changes failed', { failures: some(failures) });
  const changes = Object.entries({ added, changed, revived, retired, removed }).map(([what, ids]) => [what, some(ids)]);
  logger.info('discovery', { secrets, read, connections, ...Object.fromEntries(changes) });
};

/** The count and the first items: a log line must not hold thousands. */
const some = <T>(all: readonly T[]) => ({ count: all.length, ...(all.length > 0 && { first: all.slice(0, 20) }) });

/** The parts of an error that may be logged: class and code. Other messages might quote secrets. */
export const errorOf = (error: unknown) => ({
  error: error instanceof Error ? error.name : typeof error,
  ...(error instanceof RefresherError && { code: error.code, detail: error.message }),
});

/** Logs and counts a mail or an event of the watch that was not accepted. */
export const unsentNews = (logger: Logger, metrics: Metrics) => (error: unknown) => {
  emit(metrics, measureUnsent());
  logger.error('news not sent', errorOf(error));
};

export const brokenRecord = (logger: Logger, metrics: Metrics) => (error: RefresherError) => {
  emit(metrics, measureBrokenRecord());
  logger.error('record that cannot be read', errorOf(error));
};
