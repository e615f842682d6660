import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import type { Settings } from '../../infra/settings.ts';
import { TokenRefresherStack } from '../../infra/stack.ts';
import { type Milliseconds, minutes } from '../../lib/core/types.ts';

/** A function of the template. */
export interface TemplateFunction {
  readonly id: string;
  readonly kind: 'watch' | 'refresh' | 'api';
  /** In MB. */
  readonly memory: number;
  readonly timeout: Milliseconds;
  /** What is known of it before deployment. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface TemplateSchedule {
  readonly target: string;
  readonly every: Milliseconds;
  readonly input: unknown;
}

/** The resources of a deployment, independent of their use. */
export interface TemplateResources {
  readonly functions: readonly TemplateFunction[];
  readonly schedules: readonly TemplateSchedule[];
  readonly alarmMetrics: number;
  readonly dashboards: number;
  readonly keys: number;
  /** Bytes that the API's access log has for each request, without the event's own. */
  readonly accessLog: number;
  readonly logRetentionDays: number;
  readonly backups: boolean;
}

type Properties = Readonly<Record<string, unknown>>;
type Resources = Readonly<Record<string, { readonly Type: string; readonly Properties?: Properties }>>;

const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

/** The template of `cdk synth`. */
export const synthesized = (settings: Settings): TemplateResources => {
  const app = new App({ context: { ...context, 'aws:cdk:disable-asset-staging': true } });
  const stack = new TokenRefresherStack(app, 'TokenRefresher', settings);
  return deployedBy(Template.fromStack(stack).toJSON().Resources);
};

const functionSchema = z.object({
  MemorySize: z.number(),
  Timeout: z.number(),
  Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
});
const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  Target: z.object({ Arn: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }), Input: z.string() }),
});
const alarmSchema = z.object({ Metrics: z.array(z.object({ MetricStat: z.unknown().optional() })).optional() });
const stageSchema = z.object({ AccessLogSettings: z.object({ Format: z.string() }).optional() });

/** The billable parts of the template. */
export const deployedBy = (resources: Resources): TemplateResources => {
  const of = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);
  const properties = (type: string): Properties[] => of(type).map(([, { Properties = {} }]) => Properties);
  const functions = of('AWS::Lambda::Function').map(([id, { Properties }]) => functionOf(id, Properties));
  const formats = properties('AWS::ApiGatewayV2::Stage').map(each => stageSchema.parse(each).AccessLogSettings?.Format);
  const retention = properties('AWS::Logs::LogGroup').map(({ RetentionInDays }) => Number(RetentionInDays));
  return {
    functions,
    schedules: properties('AWS::Scheduler::Schedule').map(scheduleOf),
    alarmMetrics: properties('AWS::CloudWatch::Alarm').reduce((sum, each) => sum + metricsOf(each), 0),
    dashboards: of('AWS::CloudWatch::Dashboard').length,
    keys: of('AWS::KMS::Key').length,
    accessLog: formats.reduce((sum, format = '') => sum + accessLogBytes(format), 0),
    logRetentionDays: Math.max(...retention),
    backups: of('AWS::DynamoDB::Table').some(([, { Properties }]) => JSON.stringify(Properties).includes(BACKUPS)),
  };
};

const BACKUPS = '"PointInTimeRecoveryEnabled":true';

const functionOf = (id: string, read: unknown): TemplateFunction => {
  const { MemorySize, Timeout, Environment } = functionSchema.parse(read);
  const variables = Object.entries(Environment.Variables);
  const environment = Object.fromEntries(
    variables.filter((each): each is [string, string] => typeof each[1] === 'string'),
  );
  const kind = 'PROVIDER' in environment ? 'refresh' : 'PACES' in environment ? 'watch' : 'api';
  return { id, kind, memory: MemorySize, timeout: Timeout * 1000, environment };
};

const scheduleOf = (read: unknown): TemplateSchedule => {
  const { ScheduleExpression, Target } = scheduleSchema.parse(read);
  const [, every = ''] = /^rate\((\d+) minutes?\)$/.exec(ScheduleExpression) ?? [];
  return { target: Target.Arn['Fn::GetAtt'][0], every: minutes(Number(every)), input: JSON.parse(Target.Input) };
};

/** An alarm on an expression is billed for each metric in the expression. */
const metricsOf = (read: unknown): number => {
  const { Metrics } = alarmSchema.parse(read);
  return Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1;
};

/** Sample values of API Gateway's variables, as long as the real ones. */
const samples: Readonly<Record<string, string>> = {
  'context.identity.userArn': `arn:aws:sts::123456789012:assumed-role/a-consumer-of-tokens/${'x'.repeat(40)}`,
  'context.path': '/tokens/poweroffice-v2/nordic-books/customer-000123',
};

const accessLogBytes = (format: string): number =>
  Buffer.byteLength(format.replace(/\$([\w.]+)/g, (_, name: string) => samples[name] ?? 'x'.repeat(16)));
