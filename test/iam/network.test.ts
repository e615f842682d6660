import { Stack } from 'aws-cdk-lib';
import { Template as Assertions } from 'aws-cdk-lib/assertions';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { expect, test } from 'vitest';
import { TokenRefresher } from '../../infra/token-refresher.ts';
import { newApp } from '../infra/template.ts';
import { Evaluator } from './evaluate.ts';
import type { Template } from './stacks.ts';
import { awsAccountOf } from './synthesized.ts';

const stack = new Stack(newApp(), 'TokenRefresher');
const vpc = new Vpc(stack, 'Vpc') as IVpc;
new TokenRefresher(stack, 'TokenRefresher', { vpc });
const evaluator = new Evaluator(awsAccountOf([Assertions.fromStack(stack).toJSON() as Template]));

const interfaces = (as: string, operation: string, byLambda: boolean) =>
  evaluator.allows({ as, does: `ec2:${operation}`, input: {}, byLambda });

test.each(['CreateNetworkInterface', 'DeleteNetworkInterface', 'DescribeNetworkInterfaces'])(
  'Lambda may call %s for a function that calls providers; its code may not',
  async operation => {
    const as = 'Refresh/officernd';
    expect([await interfaces(as, operation, true), await interfaces(as, operation, false)]).toEqual([true, false]);
    expect(await interfaces('Watch/Watch', operation, true)).toBe(false);
  },
);

test('nothing else of the network is allowed', async () => {
  for (const operation of ['AttachNetworkInterface', 'ModifyNetworkInterfaceAttribute', 'DescribeInstances']) {
    expect(await interfaces('Refresh/officernd', operation, true)).toBe(false);
  }
});
