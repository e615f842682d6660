import { Stack } from 'aws-cdk-lib';
import { type IVpc, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { describe, expect, test } from 'vitest';
import { TokenRefresher, type TokenRefresherProps } from '../../infra/token-refresher.ts';
import type { JsonObject } from '../iam/stacks.ts';
import { statementsOf } from './policies.ts';
import { constructPathOf, intrinsicText, newApp, ofType, type Resources, resourcesOf } from './template.ts';

/** In a VPC with private subnets, and further props. */
const inVpc = (props: (vpc: IVpc) => TokenRefresherProps): Resources => {
  const stack = new Stack(newApp(), 'Mine');
  const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2 }) as IVpc;
  new TokenRefresher(stack, 'TokenRefresher', { providers: { officernd: {}, ioffice: {} }, vpc, ...props(vpc) });
  return resourcesOf(stack);
};

const placesIn = (resources: Resources) =>
  ofType(resources, 'AWS::Lambda::Function').flatMap(([id, { Properties }]) => {
    const { SubnetIds = [], SecurityGroupIds = [] } = (Properties.VpcConfig ?? {}) as Readonly<
      Record<string, unknown[]>
    >;
    const [subnets, groups] = [SubnetIds, SecurityGroupIds].map(ids => ids.map(each => intrinsicText(resources, each)));
    return subnets?.length ? [{ at: constructPathOf(resources, id), subnets, groups }] : [];
  });

describe('a VPC', () => {
  test('contains the functions that call providers, and no others', () => {
    const resources = inVpc(() => ({}));
    const subnets = ['<Mine/Vpc/PrivateSubnet1/Subnet>', '<Mine/Vpc/PrivateSubnet2/Subnet>'];
    const groups = ['<Network/SecurityGroup.GroupId>'];
    expect(placesIn(resources)).toEqual([
      { at: 'Refresh/officerndFunction', subnets, groups },
      { at: 'Refresh/iofficeFunction', subnets, groups },
    ]);
    expect(ofType(resources, 'AWS::EC2::VPCEndpoint')).toEqual([]);
  });

  test('has the subnets and security groups that are chosen', () => {
    const resources = inVpc(vpc => ({
      vpcSubnets: {
        subnetType: SubnetType.PRIVATE_WITH_EGRESS,
        onePerAz: true,
        availabilityZones: [vpc.availabilityZones[0] ?? ''],
      },
      securityGroups: [new SecurityGroup(vpc, 'Own', { vpc })],
    }));
    for (const { subnets, groups } of placesIn(resources)) {
      expect([subnets, groups]).toEqual([['<Mine/Vpc/PrivateSubnet1/Subnet>'], ['<Mine/Vpc/Own.GroupId>']]);
    }
    expect(ofType(resources, 'AWS::EC2::SecurityGroup').map(([id]) => constructPathOf(resources, id))).toEqual([
      'Mine/Vpc/Own',
    ]);
  });

  test('lets Lambda make interfaces, and not the functions’ code', () => {
    const held = statementsOf(inVpc(() => ({}))).filter(({ statement }) => JSON.stringify(statement).includes('ec2:'));
    expect(held.map(({ at }) => at)).toEqual([
      'Refresh/officerndRole/DefaultPolicy',
      'Refresh/iofficeRole/DefaultPolicy',
    ]);
    for (const { statement } of held) {
      expect(statement.Condition).toEqual({ Null: { 'lambda:SourceFunctionArn': 'true' } });
    }
  });

  test('gets endpoints of the services that the functions call, for these functions', () => {
    const resources = inVpc(() => ({ endpoints: true }));
    const endpoints = ofType(resources, 'AWS::EC2::VPCEndpoint').map(([id, { Properties }]) => ({
      at: constructPathOf(resources, id),
      type: Properties.VpcEndpointType,
      service: intrinsicText(resources, Properties.ServiceName),
    }));
    expect(endpoints).toEqual([
      { at: 'Network/DynamoDB', type: 'Gateway', service: 'com.amazonaws.<AWS::Region>.dynamodb' },
      { at: 'Network/SecretsManager', type: 'Interface', service: 'com.amazonaws.<AWS::Region>.secretsmanager' },
      { at: 'Network/EventBridge', type: 'Interface', service: 'com.amazonaws.<AWS::Region>.events' },
    ]);
    const rules = ofType(resources, 'AWS::EC2::SecurityGroupIngress').map(
      ([, { Properties }]): JsonObject => Properties,
    );
    expect(rules.map(each => [each.FromPort, intrinsicText(resources, each.SourceSecurityGroupId)])).toEqual(
      Array(2).fill([443, '<Network/SecurityGroup.GroupId>']),
    );
    const open = ofType(resources, 'AWS::EC2::SecurityGroup').filter(
      ([, each]) => each.Properties.SecurityGroupIngress,
    );
    expect(open).toEqual([]);
  });
});

test.each([
  [{ endpoints: true }, '"endpoints" must come with "vpc".'],
  [{ vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS } }, '"vpcSubnets" must come with "vpc".'],
  [{ securityGroups: [] }, '"securityGroups" must be left out, or have at least one, got [].'],
])('%j needs a VPC', (props, sentence) => {
  expect(() => new TokenRefresher(new Stack(newApp(), 'Mine'), 'TokenRefresher', props)).toThrow(sentence);
});
