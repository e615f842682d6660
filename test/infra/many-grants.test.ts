import { Stack } from 'aws-cdk-lib';
import { type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { type IGrantable, ManagedPolicy, PolicyStatement, Role, User } from 'aws-cdk-lib/aws-iam';
import { Code, type FunctionProps, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, test } from 'vitest';
import { TokenRefresher } from '../../infra/token-refresher.ts';
import { isObject } from '../../lib/core/json.ts';
import { asList, type JsonObject } from '../iam/stacks.ts';
import { intrinsicText, newApp, ofType, type Resources, resourcesOf } from './template.ts';

/** IAM's limits: the total size of a role's inline policies, the size of a managed policy, and the number of these. */
const INLINE = 10_240;
const MANAGED = 6144;
const ATTACHED = 10;

type Granting = 'grantRead' | 'grantInvokeApi';
const functionIn = (stack: Stack, id = 'Reader', network: Pick<FunctionProps, 'vpc' | 'vpcSubnets'> = {}) =>
  new Lambda(stack, id, {
    ...{ runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: Code.fromInline('//') },
    ...network,
  });

/** AWS gives it two managed policies instead of one. */
const functionInVpc = (stack: Stack) => {
  const subnetType = SubnetType.PRIVATE_ISOLATED;
  const vpc = new Vpc(stack, 'Vpc', { subnetConfiguration: [{ name: 'inner', subnetType }] }) as IVpc;
  return functionIn(stack, 'Reader', { vpc, vpcSubnets: { subnetType } });
};

/** A template in which a function, or another grantee, may read many connections in the table or at the API. */
const readerOf = (
  connections: readonly string[],
  grant: Granting = 'grantRead',
  granteeIn: (stack: Stack) => IGrantable = functionIn,
): Resources => {
  const stack = new Stack(newApp(), 'Mine');
  const reader = granteeIn(stack);
  const tokens = TokenRefresher.fromStack(stack, 'Tokens');
  for (const connection of connections) tokens[grant](reader, connection);
  return resourcesOf(stack);
};

const documentsOf = (resources: Resources, type: string) =>
  ofType(resources, type).map(
    ([, { Properties }]) => Properties.PolicyDocument as { Statement: readonly JsonObject[] },
  );

const grantedIn = (resources: Resources): string[] =>
  [...documentsOf(resources, 'AWS::IAM::Policy'), ...documentsOf(resources, 'AWS::IAM::ManagedPolicy')]
    .flatMap(({ Statement }) => Statement)
    .filter(({ Action }) => Action === 'dynamodb:GetItem')
    .flatMap(({ Condition }) =>
      Object.values(Condition as Record<string, JsonObject>).flatMap(each => each['dynamodb:LeadingKeys'] as string[]),
    )
    .filter(key => key !== 'false');

/** The paths at the API. */
const askedForIn = (resources: Resources): string[] =>
  [...documentsOf(resources, 'AWS::IAM::Policy'), ...documentsOf(resources, 'AWS::IAM::ManagedPolicy')]
    .flatMap(({ Statement }) => Statement)
    .filter(({ Action }) => Action === 'execute-api:Invoke')
    .flatMap(({ Resource }) => Resource)
    .map(arn => intrinsicText(resources, arn).split('*T/tokens/')[1] ?? '');

/** Replaces intrinsic functions by values of the greatest length. */
const deployedText = (resources: Resources, value: unknown): string =>
  intrinsicText(resources, value)
    .replace('<AWS::Partition>', 'aws')
    .replace('<AWS::Region>', 'ap-southeast-1')
    .replace('<AWS::AccountId>', '123456789012')
    .replace('<import token-refresher:apiId>', 'abcdefghij')
    .replace(
      '<import token-refresher:tokensTableArn>',
      `arn:aws:dynamodb:ap-southeast-1:123456789012:table/${'T'.repeat(255)}`,
    )
    .replace(
      '<import token-refresher:encryptionKeyArn>',
      `arn:aws:kms:ap-southeast-1:123456789012:key/${'k'.repeat(36)}`,
    );

/** The lengths after deployment, without white space, which IAM does not count. */
const lengthsOf = (resources: Resources, type: string): number[] =>
  documentsOf(resources, type).map(
    document =>
      JSON.stringify(document, (_, value: unknown) => {
        const [name = ''] = isObject(value) ? Object.keys(value) : [];
        return /^(Ref|Fn::.*)$/.test(name) ? deployedText(resources, value) : value;
      }).length,
  );

/** The number of AWS's managed policies. An imported role counts as a function's role. */
const ofAws = (resources: Resources): number => {
  const [policies = 1] = ofType(resources, 'AWS::IAM::Role')
    .filter(([id]) => id.startsWith('Reader'))
    .map(([, { Properties }]) => asList(Properties.ManagedPolicyArns).length);
  return policies;
};

const expectWithinLimits = (resources: Resources): void => {
  const inline = lengthsOf(resources, 'AWS::IAM::Policy');
  const managed = lengthsOf(resources, 'AWS::IAM::ManagedPolicy');
  expect(inline.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(INLINE);
  expect(managed.length + ofAws(resources)).toBeLessThanOrEqual(ATTACHED);
  for (const length of managed) expect(length).toBeLessThanOrEqual(MANAGED);
};

test.each([
  ['500 of usual names', 500, (n: number) => `poweroffice-v2/customer-of-ours-${n}`],
  ['500 of names of 100 characters', 500, (n: number) => `officernd/${`customer-${n}-`.padEnd(90, 'x')}`],
  ['500 of secrets of many', 500, (n: number) => `poweroffice-v2/nordic-books-and-paper-${n % 9}/department-${n}`],
])('%s fit into the policies of one role', (_, count, nameOf) => {
  const connections = Array.from({ length: count }, (__, n) => nameOf(n));
  const resources = readerOf(connections);
  expect(grantedIn(resources)).toEqual(connections.toSorted());
  expectWithinLimits(resources);
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
    tokens.grantRead(functionIn(stack, name), `officernd/${name}`);
  }
  const each = documentsOf(resourcesOf(stack), 'AWS::IAM::Policy').map(({ Statement }) => JSON.stringify(Statement));
  expect(each.map(text => /officernd\/[ab]/g.exec(text)?.[0])).toEqual(['officernd/a', 'officernd/b']);
});

const customers = (count: number) =>
  Array.from({ length: count }, (_, n) => `poweroffice-v2/customer-${String(n).padStart(4, '0')}`);

test('500 grants at the API fit', () => {
  const resources = readerOf(customers(500).toReversed(), 'grantInvokeApi');
  expect(askedForIn(resources)).toEqual(customers(500));
  expectWithinLimits(resources);
});

test('500 fit into the policies of a role from elsewhere', () => {
  const theirs = (stack: Stack) => Role.fromRoleArn(stack, 'Theirs', 'arn:aws:iam::123456789012:role/theirs');
  for (const grant of ['grantRead', 'grantInvokeApi'] as const) {
    const resources = readerOf(customers(500), grant, theirs);
    expect([...grantedIn(resources), ...askedForIn(resources)]).toEqual(customers(500));
    expectWithinLimits(resources);
  }
});

test('500 fit together with what a role has already', () => {
  const busy = (stack: Stack) => {
    const reader = functionIn(stack);
    for (let n = 0; n < 80; n++) {
      reader.addToRolePolicy(
        new PolicyStatement({ actions: [`s3:Get${n}`], resources: [`arn:aws:s3:::bucket-${n}/*`] }),
      );
    }
    return reader;
  };
  expectWithinLimits(readerOf(customers(500), 'grantRead', busy));
});

test.each(['grantRead', 'grantInvokeApi'] as const)('500 of %s fit for a function in a VPC', grant => {
  const resources = readerOf(customers(500), grant, functionInVpc);
  expect(ofAws(resources)).toBe(2);
  expectWithinLimits(resources);
});

test('500 fit into each of two roles', () => {
  const stack = new Stack(newApp(), 'Mine');
  const tokens = TokenRefresher.fromStack(stack, 'Tokens');
  for (const reader of [functionIn(stack, 'A'), functionIn(stack, 'B')]) {
    for (const connection of customers(500)) tokens.grantInvokeApi(reader, connection);
  }
  expect(askedForIn(resourcesOf(stack))).toHaveLength(1000);
});

describe('more than fit end with a sentence', () => {
  const sentence = (reason: string) =>
    new RegExp(
      `Mine/Reader\\S* must be granted fewer connections, because ${reason}: grant "<provider>/<name>/\\*" for all connections of a ` +
        'secret, use grantReadProvider, or grantInvokeApi without a connection, or divide the connections among several roles\\.$',
    );
  const policies = (count: number | string) => sentence(`it has ${count} managed policies, and IAM allows 10`);

  test.each(['grantRead', 'grantInvokeApi'] as const)('of %s for a role', grant => {
    expect(() => readerOf(customers(2500), grant)).toThrow(policies('\\d\\d'));
  });

  test.each([
    ['grantRead', 500, (n: number) => `officernd/${`customer-${n}-`.padEnd(90, 'x')}`],
    ['grantInvokeApi', 440, (n: number) => `poweroffice-v2/nordic-books-and-paper-${n % 9}/department-${n}`],
  ] as const)('of %s for a function in a VPC, and fit otherwise', (grant, count, nameOf) => {
    const connections = Array.from({ length: count }, (_, n) => nameOf(n));
    expectWithinLimits(readerOf(connections, grant));
    expect(() => readerOf(connections, grant, functionInVpc)).toThrow(policies(11));
  });

  test('also if a role gets its own policies after the grants', () => {
    const stack = new Stack(newApp(), 'Mine');
    const reader = functionIn(stack);
    const tokens = TokenRefresher.fromStack(stack, 'Tokens');
    for (const connection of customers(500)) tokens.grantInvokeApi(reader, connection);
    for (const name of ['CloudWatchLambdaInsightsExecutionRolePolicy', 'AWSXRayDaemonWriteAccess']) {
      reader.role?.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(name));
    }
    expect(() => resourcesOf(stack)).toThrow(policies(11));
  });

  test('if the grantee is not a role', () => {
    expect(() => readerOf(customers(500), 'grantRead', stack => new User(stack, 'Reader'))).toThrow(
      sentence('IAM limits the size of its policies'),
    );
  });
});
