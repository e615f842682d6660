/**
 * All prices: US dollars in us-east-1, without taxes and discounts. `free` is the permanent monthly free tier of every
 * account. What is free only in the first year is left out.
 */

/** The date of these list prices. */
export const PRICES_OF = '2026-11-26';
export const REGION = 'us-east-1';

export interface Price {
  readonly service: string;
  /** The unit, in the plural. */
  readonly what: string;
  /** Dollars for `per` of them. */
  readonly dollars: number;
  readonly per: number;
  readonly free?: number;
}

export const sources: Readonly<Record<string, string>> = {
  'Secrets Manager': 'https://aws.amazon.com/secrets-manager/pricing/',
  DynamoDB: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  KMS: 'https://aws.amazon.com/kms/pricing/',
  Lambda: 'https://aws.amazon.com/lambda/pricing/',
  CloudWatch: 'https://aws.amazon.com/cloudwatch/pricing/',
  EventBridge: 'https://aws.amazon.com/eventbridge/pricing/',
  SNS: 'https://aws.amazon.com/sns/pricing/',
  'API Gateway': 'https://aws.amazon.com/api-gateway/pricing/',
  'Data transfer': 'https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer',
};

const MILLION = 1_000_000;

export const prices = {
  secrets: { service: 'Secrets Manager', what: 'secrets', dollars: 0.4, per: 1 },
  secretCalls: { service: 'Secrets Manager', what: 'calls', dollars: 0.05, per: 10_000 },
  writeUnits: { service: 'DynamoDB', what: 'write request units', dollars: 0.625, per: MILLION },
  readUnits: { service: 'DynamoDB', what: 'read request units', dollars: 0.125, per: MILLION },
  tableGigabytes: { service: 'DynamoDB', what: 'GB stored', dollars: 0.25, per: 1, free: 25 },
  backupGigabytes: { service: 'DynamoDB', what: 'GB in point-in-time recovery', dollars: 0.2, per: 1 },
  keys: { service: 'KMS', what: 'keys', dollars: 1, per: 1 },
  keyRequests: { service: 'KMS', what: 'requests', dollars: 0.03, per: 10_000, free: 20_000 },
  invocations: { service: 'Lambda', what: 'requests', dollars: 0.2, per: MILLION, free: MILLION },
  gigabyteSeconds: { service: 'Lambda', what: 'GB-seconds, arm64', dollars: 0.0000133334, per: 1, free: 400_000 },
  alarmMetrics: { service: 'CloudWatch', what: 'metrics of alarms', dollars: 0.1, per: 1, free: 10 },
  customMetrics: { service: 'CloudWatch', what: 'custom metrics', dollars: 0.3, per: 1, free: 10 },
  dashboards: { service: 'CloudWatch', what: 'dashboards', dollars: 3, per: 1, free: 3 },
  logGigabytes: { service: 'CloudWatch', what: 'GB of logs', dollars: 0.5, per: 1, free: 5 },
  keptLogGigabytes: { service: 'CloudWatch', what: 'GB of logs kept', dollars: 0.03, per: 1 },
  ticks: { service: 'EventBridge', what: 'invocations by schedules', dollars: 1, per: MILLION, free: 14 * MILLION },
  events: { service: 'EventBridge', what: 'events', dollars: 1, per: MILLION },
  messages: { service: 'SNS', what: 'requests', dollars: 0.5, per: MILLION, free: MILLION },
  mails: { service: 'SNS', what: 'mails', dollars: 2, per: 100_000, free: 1000 },
  apiRequests: { service: 'API Gateway', what: 'requests of the HTTP API', dollars: 1, per: MILLION },
  transferGigabytes: { service: 'Data transfer', what: 'GB to providers', dollars: 0.09, per: 1, free: 100 },
} as const satisfies Readonly<Record<string, Price>>;

export type Quantity = keyof typeof prices;
export const quantities = Object.keys(prices) as readonly Quantity[];

/** The monthly usage of every priced quantity. */
export type MonthlyUsage = Readonly<Record<Quantity, number>>;
