import { Duration } from 'aws-cdk-lib';
import type { IHttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { AlarmSpec, Deployment } from './alarm-spec.ts';
import { alarmsFor } from './alarms.ts';
import { dashboardOf } from './dashboard.ts';
import { seriesOf } from './metric.ts';

export interface MonitoringProps {
  /** The deployment's name: the prefix of alarm names. */
  readonly name: string;
  /** The full URL of the runbook. */
  readonly runbook: string;
  readonly httpApi: Pick<IHttpApi, 'apiId'>;
  readonly tables: Readonly<Record<'tokens' | 'connections', Pick<ITable, 'tableName'>>>;
  readonly deadLetters: IQueue;
  readonly topic: ITopic;
  /** Whether to add a dashboard, and the logs for it. */
  readonly dashboard: boolean;
  readonly refreshLogs: readonly ILogGroup[];
}

/** Every alarm, each with an action, and the optional dashboard. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { name, httpApi, tables, deadLetters } = props;
    const deployment: Deployment = {
      name,
      tables: { tokens: tables.tokens.tableName, connections: tables.connections.tableName },
      apiId: httpApi.apiId,
      deadLetters: deadLetters.queueName,
    };
    for (const spec of alarmsFor(deployment)) buildAlarm(this, spec, props);
    if (props.dashboard) dashboardOf(this, { deployment, refreshLogs: props.refreshLogs });
  }
}

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

const buildAlarm = (
  scope: Construct,
  spec: AlarmSpec,
  { name, runbook, topic }: Pick<MonitoringProps, 'name' | 'runbook' | 'topic'>,
): void => {
  const action = new SnsAction(topic);
  const alarm = new Alarm(scope, spec.id, {
    alarmName: `${name} ${spec.id}`,
    alarmDescription: `${spec.title}. What to do: ${runbook}#${spec.id}`,
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
