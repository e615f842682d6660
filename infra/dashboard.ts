import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, type IWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { minutes } from '../lib/core/types.ts';
import { dimensionsOf, type MetricName, metrics, NAMESPACE } from '../lib/observe/metrics.ts';
import type { Deployment } from './alarm-spec.ts';
import { metricOf } from './metric.ts';

const period = Duration.minutes(5);
const WIDTH = 24;

/** Answers, from top to bottom: is every token alive, is anything failing, what does it cost. */
export const dashboardOf = (scope: Construct, deployment: Deployment): Dashboard =>
  new Dashboard(scope, 'Dashboard', {
    widgets: [
      [heading('Is every token alive?')],
      row(
        graph('Lowest life left (share of a lifetime)', ofProviders(deployment, metrics.lowestLife, 'Minimum'), {
          min: 0,
          max: 1,
        }),
        graph('Connections that need a person', ofProviders(deployment, metrics.needsAttention, 'Maximum')),
        graph('Longest overdue (ms)', ofProviders(deployment, metrics.oldestOverdue, 'Maximum')),
      ),
      [heading('Is anything failing?')],
      row(
        graph('Refreshed', ofProviders(deployment, metrics.refreshed, 'Sum')),
        graph('Failed refreshes', ofProviders(deployment, metrics.failed, 'Sum')),
        graph('Commits that failed', ofProviders(deployment, metrics.commitFailures, 'Sum')),
      ),
      row(
        graph('Errors of functions', ofFunctions(deployment, 'Errors', 'Sum')),
        graph(
          'API: answers and errors of ours',
          ['Count', '4xx', '5xx'].map(name => ofApi(deployment, name, 'Sum')),
        ),
        graph('Ticks that were not delivered', [
          metricOf(
            {
              namespace: 'AWS/SQS',
              name: 'ApproximateNumberOfMessagesVisible',
              dimensions: { QueueName: deployment.deadLetters },
            },
            'Maximum',
            period,
          ),
        ]),
      ),
      [heading('What does it cost?')],
      row(
        graph(
          'Connections (a secret each, unless they share one)',
          ofProviders(deployment, metrics.connections, 'Maximum'),
        ),
        graph('Milliseconds of Lambda', ofFunctions(deployment, 'Duration', 'Sum')),
        graph('Units of DynamoDB', ofTables(deployment)),
      ),
    ],
  });

const heading = (markdown: string): IWidget => new TextWidget({ markdown: `# ${markdown}`, width: WIDTH, height: 1 });

const row = (...widgets: readonly ((width: number) => IWidget)[]): IWidget[] =>
  widgets.map(widget => widget(WIDTH / widgets.length));

const graph =
  (title: string, left: readonly IMetric[], leftYAxis: { min: number; max?: number } = { min: 0 }) =>
  (width: number): IWidget =>
    new GraphWidget({ title, left: [...left], leftYAxis, width, height: 6 });

const ofProviders = ({ providers }: Deployment, name: MetricName, statistic: string): IMetric[] =>
  providers.map(({ id, tick }) =>
    metricOf(
      { namespace: NAMESPACE, name, dimensions: dimensionsOf(id) },
      statistic,
      Duration.millis(Math.max(tick, minutes(5))),
    ).with({
      label: id,
    }),
  );

const ofFunctions = ({ functions }: Deployment, name: string, statistic: string): IMetric[] =>
  functions.map(each =>
    metricOf({ namespace: 'AWS/Lambda', name, dimensions: { FunctionName: each.name } }, statistic, period).with({
      label: each.id,
    }),
  );

const ofApi = ({ apiId }: Deployment, name: string, statistic: string): IMetric =>
  metricOf({ namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: apiId } }, statistic, period).with({
    label: name,
  });

const ofTables = ({ tables }: Deployment): IMetric[] =>
  tables.flatMap(table =>
    ['ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'].map(name =>
      metricOf({ namespace: 'AWS/DynamoDB', name, dimensions: { TableName: table.name } }, 'Sum', period).with({
        label: `${table.id}, ${name.includes('Read') ? 'read' : 'written'}`,
      }),
    ),
  );
