import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import type { Settings } from '../../infra/settings.ts';
import { stackNameOf, TokenRefresherStack } from '../../infra/stack.ts';
import { TokenRefresher } from '../../infra/token-refresher.ts';
import type { JsonObject } from '../iam/stacks.ts';
import { constructPathOf, deployedResources, newApp, ofType, type Resources } from './template.ts';

const stackOf = (settings: Settings): Stack => new TokenRefresherStack(newApp(), stackNameOf(settings), settings);
const exportsOf = (stack: Stack): string[] =>
  Object.values(Template.fromStack(stack).toJSON().Outputs as Record<string, { Export?: { Name: string } }>).flatMap(
    ({ Export }) => Export?.Name ?? [],
  );

/** Every logical id that a resource refers to, or waits for. */
const referredTo = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(referredTo);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, operand]) => {
    if (key === 'Ref') return [String(operand)];
    if (key === 'Fn::GetAtt') return [String((operand as unknown[])[0])];
    return key === 'DependsOn' ? [operand].flat().map(String) : referredTo(operand);
  });
};

/** Everything that must exist before a resource is created. */
const neededBy = (resources: Resources, id: string, seen = new Set<string>()): ReadonlySet<string> => {
  for (const each of referredTo(resources[id])) {
    if (seen.has(each)) continue;
    seen.add(each);
    neededBy(resources, each, seen);
  }
  return seen;
};

describe('a deployment’s name', () => {
  test('decides the names of its stack and exports', () => {
    expect(stackOf({}).stackName).toBe('TokenRefresher');
    const staging = stackOf({ name: 'staging' });
    expect(staging.stackName).toBe('TokenRefresher-staging');
    expect(exportsOf(staging).toSorted()).toEqual(
      ['apiId', 'apiUrl', 'encryptionKeyArn', 'eventBusArn', 'tokensTableArn'].map(each => `staging:${each}`),
    );
    expect(exportsOf(stackOf({}))).toContain('token-refresher:apiUrl');
  });

  test('is what an import goes by', () => {
    const stack = stackOf({});
    const tokens = TokenRefresher.fromStack(stack, 'Other', 'staging');
    expect(tokens.deploymentName).toBe('staging');
    expect(stack.resolve(tokens.apiUrl)).toEqual({ 'Fn::ImportValue': 'staging:apiUrl' });
    expect(() => TokenRefresher.fromStack(stack, 'Bad', 'TokenRefresher-staging')).toThrow(
      '"name" must be up to 40 lower-case letters',
    );
  });

  test('reaches every function, the schedule group and the key’s alias', () => {
    const resources = deployedResources({ name: 'staging' });
    for (const [id, { Properties }] of ofType(resources, 'AWS::Lambda::Function')) {
      const { Variables } = Properties.Environment as { Variables: JsonObject };
      expect([constructPathOf(resources, id), Variables.DEPLOYMENT]).toEqual([
        constructPathOf(resources, id),
        'staging',
      ]);
    }
    expect(ofType(resources, 'AWS::Scheduler::ScheduleGroup').map(([, each]) => each.Properties.Name)).toEqual([
      'staging',
    ]);
    expect(ofType(resources, 'AWS::KMS::Alias').map(([, each]) => each.Properties.AliasName)).toEqual([
      'alias/staging',
    ]);
  });

  test('is taken once: a second deployment fails before it creates anything that is retained or has a fixed name', () => {
    const resources = deployedResources();
    const [[group]] = ofType(resources, 'AWS::Scheduler::ScheduleGroup') as [[string, unknown]];
    expect([...neededBy(resources, group)]).toEqual([]);
    const named = ['AWS::CloudWatch::Alarm', 'AWS::KMS::Alias', 'AWS::Scheduler::Schedule'];
    const harmful = Object.entries(resources).filter(
      ([, { Type, DeletionPolicy }]) => DeletionPolicy === 'Retain' || named.includes(Type),
    );
    expect(harmful.length).toBeGreaterThan(20);
    for (const [id] of harmful)
      expect([constructPathOf(resources, id), neededBy(resources, id).has(group)]).toEqual([
        constructPathOf(resources, id),
        true,
      ]);
  });

  test('is checked', () => {
    expect(() => new TokenRefresher(stackOf({}), 'Mine', { name: 'Mine' })).toThrow('"name" must be up to 40');
  });
});

test('two deployments fit into one app', () => {
  const app = newApp();
  for (const name of ['token-refresher', 'staging']) new TokenRefresherStack(app, stackNameOf({ name }), { name });
  expect(app.synth().stacks.map(({ stackName }) => stackName)).toEqual(['TokenRefresher', 'TokenRefresher-staging']);
});
