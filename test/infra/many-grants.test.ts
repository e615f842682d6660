import { Stack } from 'aws-cdk-lib';
import { Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { expect, test } from 'vitest';
import { TokenRefresher } from '../../infra/token-refresher.ts';
import { type Json, newApp, ofType, type Resources, resourcesOf } from './template.ts';

/** What IAM allows: of the inline policies of a role together, of a managed policy, and how many of these a role has. */
const INLINE = 10_240;
const MANAGED = 6144;
const ATTACHED = 10;

/** A template in which a function may read many connections. */
const readerOf = (connections: readonly string[]): Resources => {
  const stack = new Stack(newApp(), 'Mine');
  const reader = new Lambda(stack, 'Reader', {
    ...{ runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: Code.fromInline('//') },
  });
  const tokens = TokenRefresher.fromStack(stack, 'Tokens');
  for (const connection of connections) tokens.grantRead(reader, connection);
  return resourcesOf(stack);
};

const documentsOf = (resources: Resources, type: string) =>
  ofType(resources, type).map(([, { Properties }]) => Properties.PolicyDocument as { Statement: readonly Json[] });

const grantedIn = (resources: Resources): string[] =>
  [...documentsOf(resources, 'AWS::IAM::Policy'), ...documentsOf(resources, 'AWS::IAM::ManagedPolicy')]
    .flatMap(({ Statement }) => Statement)
    .filter(({ Action }) => Action === 'dynamodb:GetItem')
    .flatMap(({ Condition }) =>
      Object.values(Condition as Record<string, Json>).flatMap(each => each['dynamodb:LeadingKeys'] as string[]),
    )
    .filter(key => key !== 'false');

/** Without the white space, which IAM does not count. Intrinsic functions are longer than what they stand for. */
const lengthsOf = (documents: readonly object[]) => documents.map(each => JSON.stringify(each).length);

test.each([
  ['500 of usual names', 500, (n: number) => `poweroffice-v2/customer-of-ours-${n}`],
  ['500 of names of 100 characters', 500, (n: number) => `officernd/${`customer-${n}-`.padEnd(90, 'x')}`],
  ['500 of secrets of many', 500, (n: number) => `poweroffice-v2/nordic-books-and-paper-${n % 9}/department-${n}`],
])('%s fit into the policies of one role', (_, count, nameOf) => {
  const connections = Array.from({ length: count }, (__, n) => nameOf(n));
  const resources = readerOf(connections);
  expect(grantedIn(resources).toSorted()).toEqual(connections.toSorted());
  const inline = lengthsOf(documentsOf(resources, 'AWS::IAM::Policy'));
  const managed = lengthsOf(documentsOf(resources, 'AWS::IAM::ManagedPolicy'));
  expect(inline.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(INLINE);
  // The function's role has one of AWS.
  expect(managed.length).toBeLessThan(ATTACHED);
  for (const length of managed) expect(length).toBeLessThanOrEqual(MANAGED);
});

test('a second grant of the same connection adds nothing', () => {
  const twice = readerOf(['officernd/acme', 'officernd/acme', 'officernd/acme/*', 'officernd/acme/*']);
  expect(grantedIn(twice)).toEqual(['officernd/acme', 'officernd/acme/*']);
  expect(documentsOf(twice, 'AWS::IAM::Policy').flatMap(({ Statement }) => Statement)).toHaveLength(3);
});

test('each grantee has its own connections', () => {
  const stack = new Stack(newApp(), 'Mine');
  const tokens = TokenRefresher.fromStack(stack, 'Tokens');
  for (const name of ['a', 'b']) {
    const code = Code.fromInline('//');
    tokens.grantRead(
      new Lambda(stack, name, { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code }),
      `officernd/${name}`,
    );
  }
  const each = documentsOf(resourcesOf(stack), 'AWS::IAM::Policy').map(({ Statement }) => JSON.stringify(Statement));
  expect(each.map(text => /officernd\/[ab]/g.exec(text)?.[0])).toEqual(['officernd/a', 'officernd/b']);
});
