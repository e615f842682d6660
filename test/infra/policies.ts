import { type Json, listOf, ofType, pathOf, type Resources, textOf } from './template.ts';

/** A statement of a policy, with the resource that holds it and whom it is for. */
export interface Held {
  /** The path of the policy, key, queue or topic. */
  readonly at: string;
  readonly kind: 'role' | 'resource';
  readonly statement: Json;
}

const documents = [
  ['AWS::IAM::Policy', 'PolicyDocument', 'role'],
  ['AWS::KMS::Key', 'KeyPolicy', 'resource'],
  ['AWS::SQS::QueuePolicy', 'PolicyDocument', 'resource'],
  ['AWS::SNS::TopicPolicy', 'PolicyDocument', 'resource'],
] as const;

export const statementsOf = (resources: Resources): Held[] =>
  documents.flatMap(([type, property, kind]) =>
    ofType(resources, type).flatMap(([id, { Properties }]) => {
      const { Statement } = Properties[property] as { Statement: readonly Json[] };
      return Statement.map(statement => ({ at: pathOf(resources, id), kind, statement }));
    }),
  );

export const actionsOf = (statement: Json): readonly string[] => listOf(statement.Action).map(String);
export const targetsOf = (resources: Resources, statement: Json): readonly string[] =>
  listOf(statement.Resource).map(each => textOf(resources, each));

export const leadingKeysOf = ({ Condition = {} }: Json): readonly string[] => {
  const { 'ForAllValues:StringEquals': exactly, 'ForAllValues:StringLike': like } = Condition as Record<string, Json>;
  return listOf({ ...exactly, ...like }['dynamodb:LeadingKeys'] ?? []).map(String);
};

/** The only resources with a wildcard, each because the service forces it. */
const wildcards: readonly { readonly action: string; readonly resource: RegExp; readonly why: string }[] = [
  { action: 'secretsmanager:ListSecrets', resource: /^\*$/, why: 'the action takes no resource' },
  {
    action: 'secretsmanager:GetSecretValue',
    resource:
      /^arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:token-refresher\/[a-z0-9-]+\/\*$/,
    why: 'secrets of a provider come and go',
  },
];

const conditionsOf = ({ Condition = {} }: Json, operator: string): Json =>
  (Condition as Record<string, Json>)[operator] ?? {};

/** What is too wide about a statement that allows something to a role. */
const faultsOfRole = (resources: Resources, statement: Json): string[] => {
  const faults: string[] = [];
  const actions = actionsOf(statement);
  const targets = targetsOf(resources, statement);
  if (!('Resource' in statement) || targets.length === 0) faults.push('names no resource');
  for (const action of actions) if (!/^[a-z0-9-]+:[A-Za-z]+$/.test(action)) faults.push(`allows ${action}`);
  for (const target of targets.filter(each => each.includes('*'))) {
    const forced = actions.every(action =>
      wildcards.some(each => each.action === action && each.resource.test(target)),
    );
    if (!forced) faults.push(`is about ${target}`);
  }
  if (actions.some(action => action.startsWith('dynamodb:'))) {
    const keys = leadingKeysOf(statement);
    if (
      keys.length === 0 ||
      !keys.every(key => /^[a-z0-9-]+(\/\*|#\?|#sessions|#limits|(\/[\w.-]+){1,2}|\/[\w.-]+\/\*)$/.test(key))
    ) {
      faults.push('is about items of any key');
    }
    if (conditionsOf(statement, 'Null')['dynamodb:LeadingKeys'] !== 'false') faults.push('holds without any key');
  }
  if (actions.some(action => action.startsWith('kms:'))) {
    const via = textOf(resources, conditionsOf(statement, 'StringEquals')['kms:ViaService']);
    if (!/^(dynamodb|secretsmanager)\.<AWS::Region>\.amazonaws\.com$/.test(via))
      faults.push('uses the key for anything');
  }
  return faults;
};

/** What is too wide about a statement of a key, a queue or a topic: who may, and from where. */
const faultsOfResource = (resources: Resources, statement: Json): string[] => {
  const principal = statement.Principal as Json | string;
  const root = typeof principal === 'object' && textOf(resources, principal.AWS);
  // The account's own: what hands permission over to the policies of roles.
  if (root === 'arn:<AWS::Partition>:iam::<AWS::AccountId>:root') return [];
  if (typeof principal !== 'object' || !('Service' in principal)) return ['is for anyone'];
  const faults = actionsOf(statement)
    .filter(action => action.includes('*'))
    .map(action => `allows ${action}`);
  // In a key's policy "*" is that key, and nothing else can be said there.
  const ofKey = actionsOf(statement).every(action => action.startsWith('kms:'));
  if (!ofKey && targetsOf(resources, statement).some(target => target.includes('*'))) faults.push('is about anything');
  const account = textOf(resources, conditionsOf(statement, 'StringEquals')['aws:SourceAccount']);
  if (account !== '<AWS::AccountId>') faults.push('is for any account');
  return faults;
};

/** Every statement that is wider than it has to be. */
export const tooWide = (resources: Resources): string[] =>
  statementsOf(resources)
    .filter(({ statement }) => statement.Effect === 'Allow')
    .flatMap(({ at, kind, statement }) => {
      const faults = kind === 'role' ? faultsOfRole(resources, statement) : faultsOfResource(resources, statement);
      return faults.map(fault => `${at} ${fault}`);
    });

/** All that a role may do, a line each: `dynamodb:GetItem <Storage/Tokens.Arn> officernd/*`. */
export const allowedTo = (resources: Resources, role: string): string[] =>
  statementsOf(resources)
    .filter(({ at }) => at === `${role}/DefaultPolicy`)
    .flatMap(({ statement }) =>
      actionsOf(statement).flatMap(action =>
        targetsOf(resources, statement).map(target => [action, target, ...leadingKeysOf(statement)].join(' ')),
      ),
    )
    .toSorted();
