import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { MiddlewareObj } from '@middy/core';
import { RefresherError } from '../core/errors.ts';
import type { DiscoverReport } from '../shell/discover.ts';
import type { RefreshReport } from '../shell/refresh.ts';
import type { Observer, SweepReport } from '../shell/sweep.ts';
import { NAMESPACE, metrics as names, PROVIDER, SERVICE } from './metrics.ts';

/** The logger and the metrics of one function; `provider` where it serves one alone. */
export const instruments = (provider?: string): { readonly logger: Logger; readonly metrics: Metrics } => ({
  logger: new Logger({ serviceName: SERVICE }),
  metrics: new Metrics({
    namespace: NAMESPACE,
    serviceName: SERVICE,
    ...(provider !== undefined && { defaultDimensions: { [PROVIDER]: provider } }),
  }),
});

/** Publishes what an invocation measured, however it ended; an invocation that measured nothing says nothing. */
export const publishing = (metrics: Metrics): MiddlewareObj => {
  const publish = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  return { after: publish, onError: publish };
};

/**
 * Tells logs and metrics. Reports hold codes, numbers and names of connections by their types, and their fields are
 * written one by one: an allow-list. The connection goes into logs, never into a metric.
 */
export const powertoolsObserver = (logger: Logger, metrics: Metrics): Observer => {
  const count = (name: string, value: number) => {
    if (value > 0) metrics.addMetric(name, MetricUnit.Count, value);
  };
  return {
    refresh: report => {
      count(names.refreshed, report.result === 'refreshed' ? 1 : 0);
      count(names.failed, report.result === 'failed' || report.result === 'attention' ? 1 : 0);
      count(names.postponed, report.result === 'postponed' ? 1 : 0);
      count(names.commitFailures, report.commitFailed ? 1 : 0);
      count(names.providerCalls, report.calls);
      logRefresh(logger, report);
    },
    unclaimed: (connection, code) => {
      count(names.commitFailures, 1);
      logger.error('connection not claimed', { connection, code });
    },
    sweep: report => {
      sweepMetrics(metrics, report);
      const { provider, connections, due, left, results, took } = report;
      logger.info('tick', { provider, connections, due, left, results, took });
    },
  };
};

const sweepMetrics = (metrics: Metrics, report: SweepReport): void => {
  metrics.addMetric(names.ticks, MetricUnit.Count, 1);
  metrics.addMetric(names.connections, MetricUnit.Count, report.connections);
  metrics.addMetric(names.due, MetricUnit.Count, report.due);
  metrics.addMetric(names.left, MetricUnit.Count, report.left);
  metrics.addMetric(names.needsAttention, MetricUnit.Count, report.byStatus.attention);
  metrics.addMetric(names.oldestOverdue, MetricUnit.Milliseconds, report.oldestOverdue);
  if (report.connections > 0) metrics.addMetric(names.lowestLife, MetricUnit.NoUnit, report.lowestLife);
};

const logRefresh = (logger: Logger, report: RefreshReport): void => {
  const { connection, result, from, to, calls, took, version, expiresAt, dueAt, error, warnings, commitFailed } =
    report;
  const line = { connection, result, from, to, calls, took, version, expiresAt, dueAt, error, warnings, commitFailed };
  if (result === 'attention' || commitFailed) logger.error('refresh', line);
  else if (result === 'failed' || warnings.length > 0) logger.warn('refresh', line);
  else logger.info('refresh', line);
};

export const reportDiscovery = (logger: Logger, metrics: Metrics, report: DiscoverReport): void => {
  metrics.addMetric(names.discoveries, MetricUnit.Count, 1);
  metrics.addMetric(names.discoveryProblems, MetricUnit.Count, report.problems.length);
  for (const problem of report.problems) logger.warn('discovery problem', { ...problem });
  const { secrets, read, connections, added, changed, revived, retired, removed } = report;
  logger.info('discovery', { secrets, read, connections, added, changed, revived, retired, removed });
};

/** What may be told of an error: its class and code. Its message might quote what it was about. */
export const errorOf = (error: unknown) => ({
  error: error instanceof Error ? error.name : typeof error,
  ...(error instanceof RefresherError && { code: error.code, detail: error.message }),
});

export const brokenRecord = (logger: Logger, metrics: Metrics) => (error: RefresherError) => {
  metrics.addMetric(names.brokenRecords, MetricUnit.Count, 1);
  logger.error('record that cannot be read', errorOf(error));
};
