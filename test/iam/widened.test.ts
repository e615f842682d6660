import { expect, test } from 'vitest';
import { isObject } from '../../lib/core/json.ts';
import { letsThrough } from './calls.ts';
import { Evaluator } from './evaluate.ts';
import { type Refusal, refusalsIn } from './refusals.ts';
import type { JsonObject, Template } from './stacks.ts';
import { awsAccountOf, SECRETS_KEY_ARN, templates } from './synthesized.ts';

/** Widens each statement of the roles in the table of refusals in one way: some refusal must fail. */

const [deployed, readers] = templates();
if (!deployed || !readers) throw new Error('there are two templates');
const original = awsAccountOf([deployed, readers]);
const refusals = refusalsIn(original.physicalAt('Schedules/Group'), original.physicalAt('Api/HttpApi'));

const statementsIn = ({ Resources }: Template) =>
  Object.entries(Resources).flatMap(([id, { Type, Properties, Metadata }]) => {
    if (Type !== 'AWS::IAM::Policy' || !isObject(Properties.PolicyDocument)) return [];
    const label = String(Metadata?.['aws:cdk:path'])
      .replace(/^TokenRefresher\/TokenRefresher\//, '')
      .replace(/Role\/DefaultPolicy\/Resource$/, '');
    const statements = Properties.PolicyDocument.Statement as readonly JsonObject[];
    return statements.map((statement, index) => ({ id, label, index, statement }));
  });

const withStatement = (template: Template, id: string, index: number, statement: JsonObject): Template => {
  const copy = structuredClone(template);
  const document = copy.Resources[id]?.Properties.PolicyDocument;
  if (isObject(document)) Object.assign(document.Statement as JsonObject[], { [index]: statement });
  return copy;
};

const anyKey = {
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['*'] },
  Null: { 'dynamodb:LeadingKeys': 'false' },
};

const widened = (statement: JsonObject): Readonly<Record<string, JsonObject>> => {
  const [service = ''] = String([statement.Action].flat()[0]).split(':');
  const { Condition, ...unconditional } = statement;
  // Listing secrets covers all of them: the service allows no narrower resource.
  const everything = statement.Resource === '*';
  return {
    // A route of an HTTP API has only one action: to invoke it.
    ...(service !== 'execute-api' && {
      'any action of the service': { ...statement, Action: `${service}:*` },
      'any action': { ...statement, Action: '*' },
    }),
    ...(!everything && { 'any resource': { ...statement, Resource: '*' } }),
    ...(Condition !== undefined && { 'no condition': unconditional }),
    ...(service === 'dynamodb' && { 'any key': { ...statement, Condition: anyKey } }),
  };
};

const subjects = new Set(refusals.map(({ twin, but }) => ({ ...twin, ...but }).as));
const cases = [deployed, readers].flatMap((template, which) =>
  statementsIn(template)
    .filter(({ label }) => subjects.has(label))
    .flatMap(({ id, label, index, statement }) =>
      Object.entries(widened(statement)).map(
        ([how, wider]) =>
          [`${label}: ${[statement.Action].flat().join()} with ${how}`, { which, id, label, index, wider }] as const,
      ),
    ),
);

test.each(cases)('it is noticed: %s', async (_, { which, id, label, index, wider }) => {
  const changed = [deployed, readers].map((each, n) => (n === which ? withStatement(each, id, index, wider) : each));
  const evaluator = new Evaluator(awsAccountOf(changed));
  const concerned = refusals
    .map(({ twin, but }): Refusal['twin'] => ({ ...twin, ...but }))
    .filter(({ as }) => as === label);
  const isNoticed = async (): Promise<boolean> => {
    for (const call of concerned) if (await letsThrough(evaluator, call, SECRETS_KEY_ARN)) return true;
    return false;
  };
  expect(await isNoticed()).toBe(true);
});

test('there is a case for each statement of each kind of role', () => {
  const labels = [deployed, readers]
    .flatMap(statementsIn)
    .map(({ label }) => label.replace(/(Refresh\/|refresh-).*/, '$1'));
  const covered = new Set([...subjects].map(label => label.replace(/(Refresh\/|refresh-).*/, '$1')));
  expect(labels.filter(label => !covered.has(label))).toEqual(['Schedules/watch', 'Schedules/watch']);
});
