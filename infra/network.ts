import { Validations } from 'aws-cdk-lib';
import {
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  type ISecurityGroup,
  type IVpc,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

export interface NetworkProps {
  readonly vpc: IVpc;
  readonly vpcSubnets?: SubnetSelection | undefined;
  readonly securityGroups?: readonly ISecurityGroup[] | undefined;
  readonly endpoints: boolean;
}

/** The place of the functions that call providers in a VPC. */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection | undefined;
  readonly securityGroups: readonly ISecurityGroup[];

  constructor(scope: Construct, id: string, { vpc, vpcSubnets, securityGroups, endpoints }: NetworkProps) {
    super(scope, id);
    this.vpc = vpc;
    this.vpcSubnets = vpcSubnets;
    this.securityGroups = securityGroups ?? [
      new SecurityGroup(this, 'SecurityGroup', { vpc, description: 'token-refresher: functions that call providers' }),
    ];
    if (endpoints) this.#addEndpoints();
  }

  /**
   * The services that a `refresh` function calls itself. Lambda writes its logs; DynamoDB and Secrets Manager use the
   * keys.
   */
  #addEndpoints(): void {
    const { vpc, vpcSubnets: subnets } = this;
    const { DYNAMODB } = GatewayVpcEndpointAwsService;
    const { SECRETS_MANAGER: SecretsManager, EVENTBRIDGE: EventBridge } = InterfaceVpcEndpointAwsService;
    new GatewayVpcEndpoint(this, 'DynamoDB', { vpc, service: DYNAMODB, ...(subnets && { subnets: [subnets] }) });
    for (const [id, service] of Object.entries({ SecretsManager, EventBridge })) {
      const endpoint = new InterfaceVpcEndpoint(this, id, { vpc, service, open: false, ...(subnets && { subnets }) });
      for (const group of this.securityGroups) endpoint.connections.allowDefaultPortFrom(group);
    }
  }

  /**
   * Lets Lambda create the function's network interfaces with its role: EC2 allows no narrower resource. The function's
   * own code cannot: its calls carry its ARN.
   */
  grantInterfaces(role: IRole): void {
    const actions = [
      'CreateNetworkInterface',
      'DescribeNetworkInterfaces',
      'DescribeSubnets',
      'DeleteNetworkInterface',
      'AssignPrivateIpAddresses',
      'UnassignPrivateIpAddresses',
    ];
    role.addToPrincipalPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: actions.map(action => `ec2:${action}`),
        resources: ['*'],
        conditions: { Null: { 'lambda:SourceFunctionArn': 'true' } },
      }),
    );
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Lambda chooses the names of network interfaces; the code of the function cannot create any.',
    });
  }
}
