import { Stack, Validations } from 'aws-cdk-lib';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { TokenRefresherStack } from '../../infra/stack.ts';
import { TokenRefresher } from '../../infra/token-refresher.ts';
import { newApp } from './template.ts';

const stackOf = () => new TokenRefresherStack(newApp(), 'TokenRefresher', { alarmEmail: 'ops@example.com' });

/** All optional parts. */
const wholeStack = () => {
  const stack = new Stack(newApp(), 'Mine');
  const vpc = new Vpc(stack, 'Vpc', { natGateways: 1 }) as IVpc;
  new TokenRefresher(stack, 'TokenRefresher', {
    ...{ vpc, endpoints: true, dashboard: true },
    secretsKeys: [Key.fromKeyArn(stack, 'SecretsKey', 'arn:aws:kms:eu-west-1:111111111111:key/1')],
  });
  return stack;
};

const findings = (stack: Stack): string[] =>
  new AwsSolutionsChecks()
    .validateScope(stack)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
    );

const ours = (stack: Stack) => stack.node.findAll().filter(({ node }) => node.path.includes('/TokenRefresher'));

const acknowledgements = (stack: Stack): { at: string; id: string; reason: string }[] =>
  ours(stack).flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) =>
        Object.entries<string>(data).map(([id, reason]) => ({
          at: node.path,
          id: id.replace('Annotation::', ''),
          reason,
        })),
      ),
  );

test('AwsSolutions finds nothing', () => {
  expect(findings(stackOf())).toEqual([]);
});

test('AwsSolutions finds nothing if account and region are set', () => {
  const env = { account: '111111111111', region: 'eu-west-1' };
  expect(findings(new TokenRefresherStack(newApp(), 'TokenRefresher', {}, { env }))).toEqual([]);
});

test('AwsSolutions finds nothing with all optional parts', () => {
  const ofOurs = findings(wholeStack()).filter(finding => finding.includes('/TokenRefresher/'));
  expect(ofOurs).toEqual([]);
});

test('AwsSolutions finds something without the acknowledgements', () => {
  const stack = stackOf();
  // Without the acknowledgements there would be findings: remove all of them.
  for (const { node } of stack.node.findAll()) {
    const kept = node.metadata.filter(({ type }) => type !== Validations.ACKNOWLEDGED_RULES_METADATA_KEY);
    Reflect.set(node, '_metadata', [...kept]);
  }
  const rules = new Set(findings(stack).map(finding => finding.split(/[[ ]/)[0]));
  expect(rules).toEqual(new Set(['AwsSolutions-IAM5', 'AwsSolutions-SQS3']));
});

test.each([
  ['what is deployed', stackOf],
  ['everything that can be asked for', wholeStack],
])('every acknowledgement of %s is of one finding, on the one construct, with a sentence for a reason', (_, stack) => {
  const all = acknowledgements(stack());
  expect(all.length).toBeGreaterThan(8);
  for (const { at, id, reason } of all) {
    expect([at, reason]).toEqual([at, expect.stringMatching(/^[A-Za-z].{20,}\.$/)]);
    expect(id).toMatch(/^AwsSolutions-(SQS3|IAM5\[Resource::.+\])$/);
    expect(at).toMatch(/\/(\w|-)*Role$|\/DeadLetters$/);
  }
});
