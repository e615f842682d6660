import { asTexts, type JsonObject, lastOf, type Place } from './stacks.ts';
import type { Templates } from './templates.ts';

export interface Statement extends JsonObject {
  readonly Effect: string;
  readonly Action: unknown;
  readonly Resource?: unknown;
}

export interface PolicyDocument extends JsonObject {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

const ofTargets = [
  ['AWS::SQS::QueuePolicy', 'Queues'],
  ['AWS::SNS::TopicPolicy', 'Topics'],
] as const;

/** Parts of policies that this evaluator does not read; none of them may be deployed. */
const UNREAD = [
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::RolePolicy',
  'AWS::Events::EventBusPolicy',
  'AWS::SecretsManager::ResourcePolicy',
  'AWS::Lambda::Url',
];

/** The policies of keys, queues, topics and functions, by their ARNs. */
export const resourcePoliciesIn = (templates: Templates): ReadonlyMap<string, PolicyDocument> => {
  for (const type of UNREAD) {
    if (templates.all(type).length > 0) throw new Error(`${type} allows something that is not read here`);
  }
  const policies = new Map<string, PolicyDocument>();
  const add = (arn: string, { Version, Statement }: PolicyDocument) =>
    policies.set(arn, { Version, Statement: [...(policies.get(arn)?.Statement ?? []), ...Statement] });
  for (const key of templates.all('AWS::KMS::Key')) add(key.arn(), key.properties.KeyPolicy as PolicyDocument);
  for (const [type, targets] of ofTargets) {
    for (const { properties } of templates.all(type)) {
      for (const target of asTexts(properties[targets])) {
        add(targetArn(templates.place, target), properties.PolicyDocument as PolicyDocument);
      }
    }
  }
  for (const { properties } of templates.all('AWS::Lambda::Permission')) {
    add(String(properties.FunctionName), permission(properties));
  }
  return policies;
};

const permission = ({ Action, FunctionName, Principal, SourceArn }: JsonObject): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action,
      Resource: FunctionName,
      Principal: { Service: Principal },
      ...(SourceArn !== undefined && { Condition: { ArnLike: { 'aws:SourceArn': SourceArn } } }),
    },
  ],
});

/** A topic is identified by its ARN, a queue by its address. */
const targetArn = ({ partition, region, account }: Place, target: string): string =>
  target.startsWith('arn:') ? target : `arn:${partition}:sqs:${region}:${account}:${lastOf(target, '/')}`;

/** The one managed policy that functions of consumers have. */
export const managedPolicy = (arn: string): PolicyDocument => {
  if (!arn.endsWith(':policy/service-role/AWSLambdaBasicExecutionRole')) throw new Error(`${arn} is not known here`);
  const Action = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] };
};
