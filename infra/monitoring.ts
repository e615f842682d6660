import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import type { IHttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { DISCOVER_EVERY } from '../lib/core/policy.ts';
import { type Milliseconds, minutes } from '../lib/core/types.ts';
import { findProvider } from '../lib/providers/index.ts';
import type { AlarmSpec, Deployment } from './alarm-spec.ts';
import { alarmsFor } from './alarms.ts';
import { dashboardOf } from './dashboard.ts';
import { seriesOf } from './metric.ts';

export interface MonitoredFunction {
  readonly fn: IFunction;
  readonly timeout: Duration;
}

export interface MonitoringProps {
  /** By provider. `schedules`: how many share its shards. */
  readonly refreshers: ReadonlyMap<
    string,
    MonitoredFunction & { readonly tick: Duration; readonly schedules: number; readonly refreshAt: number }
  >;
  readonly discover: MonitoredFunction;
  readonly api: MonitoredFunction & { readonly httpApi: Pick<IHttpApi, 'apiId'> };
  readonly tables: Readonly<Record<'tokens' | 'connections', Pick<ITable, 'tableName'>>>;
  readonly deadLetters: IQueue;
  /** Encrypts the alarm topic. */
  readonly key: IKey;
  /** @default nobody is told by e-mail */
  readonly alarmEmail?: string;
  /** @default a topic of its own */
  readonly alarmTopic?: ITopic;
}

/** Every alarm of the table, each with an action, and a dashboard. */
export class Monitoring extends Construct {
  readonly topic: ITopic;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    this.topic = props.alarmTopic ?? new Topic(this, 'Alarms', { masterKey: props.key, enforceSSL: true });
    letCloudWatchPublish(this, this.topic, props.alarmTopic ? undefined : props.key);
    if (props.alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(props.alarmEmail));
    else if (!props.alarmTopic) {
      Annotations.of(this).addInfo(
        'Nobody is told of alarms: set alarmEmail or alarmTopic, or subscribe to the topic.',
      );
    }
    const deployment = deploymentOf(props);
    for (const spec of alarmsFor(deployment)) buildAlarm(this, spec, this.topic);
    dashboardOf(this, deployment);
  }
}

/**
 * CloudWatch publishes as itself: the topic and its key have to let it, and for alarms of this account alone. One that was
 * imported by its ARN has its policy elsewhere, and so has the key of a topic that was handed in.
 */
const letCloudWatchPublish = (scope: Construct, topic: ITopic, key: IKey | undefined): void => {
  const cloudWatch = (actions: string[], resource: string) =>
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions,
      resources: [resource],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    });
  // A policy of the topic takes the place of the default one, which would have let the account's alarms publish.
  topic.addToResourcePolicy(cloudWatch(['sns:Publish'], topic.topicArn));
  // In a key's policy "*" is that key.
  key?.addToResourcePolicy(cloudWatch(['kms:Decrypt', 'kms:GenerateDataKey'], '*'));
};

const deploymentOf = ({ refreshers, discover, api, tables, deadLetters }: MonitoringProps): Deployment => {
  const named = (id: string, { fn, timeout }: MonitoredFunction, every: Milliseconds) => ({
    id,
    name: fn.functionName,
    timeout: timeout.toMilliseconds(),
    every,
  });
  return {
    providers: [...refreshers].map(([id, { tick, schedules, refreshAt }]) => {
      const provider = findProvider(id);
      if (!provider) throw new Error(`"${id}" is not a provider.`);
      return { id, lifetime: provider.lifetime, tick: tick.toMilliseconds(), schedules, refreshAt };
    }),
    functions: [
      ...[...refreshers].map(([id, refresher]) => named(`refresh-${id}`, refresher, refresher.tick.toMilliseconds())),
      named('discover', discover, DISCOVER_EVERY),
      named('api', api, minutes(5)),
    ],
    tables: [
      { id: 'tokens', name: tables.tokens.tableName },
      { id: 'connections', name: tables.connections.tableName },
    ],
    apiId: api.httpApi.apiId,
    deadLetters: deadLetters.queueName,
  };
};

const operators = {
  'at least': ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  'more than': ComparisonOperator.GREATER_THAN_THRESHOLD,
  'less than': ComparisonOperator.LESS_THAN_THRESHOLD,
} as const;

const missing = {
  breaching: TreatMissingData.BREACHING,
  notBreaching: TreatMissingData.NOT_BREACHING,
  ignore: TreatMissingData.IGNORE,
} as const;

const buildAlarm = (scope: Construct, spec: AlarmSpec, topic: ITopic): void => {
  const action = new SnsAction(topic);
  const alarm = new Alarm(scope, `Alarm-${spec.id}`, {
    alarmDescription: `${spec.title}. What to do: README.md#${spec.runbook}`,
    metric: seriesOf(spec.series, Duration.millis(spec.period), spec.title),
    threshold: spec.threshold,
    comparisonOperator: operators[spec.comparison],
    evaluationPeriods: spec.evaluationPeriods,
    datapointsToAlarm: spec.datapointsToAlarm,
    treatMissingData: missing[spec.missingData],
  });
  alarm.addAlarmAction(action);
  alarm.addOkAction(action);
};
