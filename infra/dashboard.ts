import { Duration } from 'aws-cdk-lib';
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { type MetricName, metrics } from '../lib/observe/metrics.ts';
import type { Deployment } from './alarm-spec.ts';
import { metricOf, ownMetric } from './metric.ts';

export interface DashboardProps {
  readonly deployment: Deployment;
  /** The logs of the `refresh` functions, with the numbers of each provider. */
  readonly refreshLogs: readonly ILogGroup[];
}

const period = Duration.minutes(5);
const WIDTH = 24;
const HEIGHT = 6;

/** Shows, from top to bottom: are all tokens valid, does anything fail, how much work is there. */
export const dashboardOf = (scope: Construct, { deployment, refreshLogs }: DashboardProps): Dashboard => {
  const own = (name: MetricName): IMetric => ownMetric(deployment.name, name, { period });
  const api = (name: string): IMetric =>
    metricOf({ namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: deployment.apiId } }, 'Sum', period);
  const units = Object.values(deployment.tables).flatMap(TableName =>
    ['ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'].map(name =>
      metricOf({ namespace: 'AWS/DynamoDB', name, dimensions: { TableName } }, 'Sum', period),
    ),
  );
  const byProvider = (title: string, field: string) => queryOf(title, refreshLogs, field);
  return new Dashboard(scope, 'Dashboard', {
    widgets: [
      [heading('Are all tokens valid?')],
      row(
        graph('Life left (1 before the renewal is due)', [own(metrics.lowestLife)]),
        graph('Longest overdue (1 is the limit)', [own(metrics.longestOverdue)]),
        graph('Connections that need attention', [own(metrics.needsAttention)]),
      ),
      [heading('Does anything fail?')],
      row(
        graph('Share of refreshes that fail', [own(metrics.failed)]),
        graph('Failed commits and postponed refreshes', [own(metrics.commitFailures), own(metrics.postponed)]),
        graph('API: answers and errors', ['Count', '4xx', '5xx'].map(api)),
      ),
      [heading('How much work is there?')],
      row(
        byProvider('Connections by provider', 'max(connections)'),
        byProvider('Calls by provider', 'sum(calls)'),
        graph('DynamoDB units', units),
      ),
    ],
  });
};

const heading = (markdown: string): IWidget => new TextWidget({ markdown: `# ${markdown}`, width: WIDTH, height: 1 });

const row = (...widgets: readonly ((width: number) => IWidget)[]): IWidget[] =>
  widgets.map(widget => widget(WIDTH / widgets.length));

const graph =
  (title: string, left: readonly IMetric[]) =>
  (width: number): IWidget =>
    new GraphWidget({ title, left: [...left], leftYAxis: { min: 0 }, width, height: HEIGHT });

/** A graph of one field in the log line of each tick. */
const queryOf =
  (title: string, logs: readonly ILogGroup[], field: string) =>
  (width: number): IWidget =>
    new LogQueryWidget({
      title,
      logGroupNames: logs.map(each => each.logGroupName),
      view: LogQueryVisualizationType.LINE,
      queryLines: ["filter message = 'tick'", `stats ${field} by bin(5m), provider`],
      width,
      height: HEIGHT,
    });
