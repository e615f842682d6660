import type { Deployment, MetricRef } from '../../infra/alarm-spec.ts';
import { DEFAULT_NAME } from '../../lib/core/deployment.ts';
import type { Milliseconds } from '../../lib/core/types.ts';

/** The metrics of AWS itself, with the names of a deployment's parts. */
export const deployment: Deployment = {
  name: DEFAULT_NAME,
  tables: { tokens: 'tokens', connections: 'connections' },
  apiId: 'api',
  deadLetters: 'queue',
};

export const deadLetters: MetricRef = {
  namespace: 'AWS/SQS',
  name: 'ApproximateNumberOfMessagesVisible',
  dimensions: { QueueName: deployment.deadLetters },
};

const gateway = (name: string): MetricRef => ({
  namespace: 'AWS/ApiGateway',
  name,
  dimensions: { ApiId: deployment.apiId },
});
const [requests, errors, latency] = [gateway('Count'), gateway('5xx'), gateway('Latency')];

/** API Gateway's metrics of one answer. */
export const gatewayMetrics = (status: number, took: Milliseconds): readonly (readonly [MetricRef, number])[] => [
  [requests, 1],
  [errors, status >= 500 ? 1 : 0],
  [latency, took],
];

const throttles = (TableName: string, name: string): MetricRef => ({
  namespace: 'AWS/DynamoDB',
  name,
  dimensions: { TableName },
});
const throttled = Object.fromEntries(
  Object.entries(deployment.tables).map(([table, name]) => [
    table,
    { read: throttles(name, 'ReadThrottleEvents'), write: throttles(name, 'WriteThrottleEvents') },
  ]),
);

/** Whether an operation of a store (`tokens.get`) only reads. */
export const isRead = (operation: string): boolean => /\.(?:get|list|page)$/.test(operation);

/** DynamoDB's metric if it throttles an operation (`tokens.publish`) on one of the two tables. */
export const throttleOf = (operation: string): MetricRef | undefined => {
  if (operation.startsWith('secrets.')) return undefined;
  const table = throttled[operation.startsWith('tokens.') ? 'tokens' : 'connections'];
  return isRead(operation) ? table?.read : table?.write;
};
