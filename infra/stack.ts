import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { DEFAULT_NAME } from '../lib/core/deployment.ts';
import { exportName } from './grants.ts';
import type { Settings } from './settings.ts';
import { TokenRefresher } from './token-refresher.ts';

/** `TokenRefresher`, or `TokenRefresher-<name>` if the deployment has a name of its own. */
export const stackNameOf = (name: string = DEFAULT_NAME): string =>
  name === DEFAULT_NAME ? 'TokenRefresher' : `TokenRefresher-${name}`;

/** The stack that `cdk deploy` makes of this package alone. Its exports are what `TokenRefresher.fromStack` reads. */
export class TokenRefresherStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { alarmTopicArn, secretsKeyArns, ...settings }: Settings,
    props?: StackProps,
  ) {
    super(scope, id, { description: 'token-refresher: access tokens that are always fresh', ...props });
    const secretsKeys = secretsKeyArns?.map((arn, n) => Key.fromKeyArn(this, `SecretsKey${n}`, arn));
    const refresher = new ExportedTokenRefresher(this, 'TokenRefresher', {
      ...settings,
      ...(secretsKeys && { secretsKeys }),
      ...(alarmTopicArn !== undefined && { alarmTopic: Topic.fromTopicArn(this, 'AlarmTopic', alarmTopicArn) }),
    });
    refresher.export(this);
  }
}

class ExportedTokenRefresher extends TokenRefresher {
  export(stack: Stack): void {
    const { providers: _, ...values } = this.parts;
    const names: Readonly<Record<keyof typeof values, string>> = {
      tokensTableName: 'TokensTable',
      tokensTableArn: 'TokensTableArn',
      keyArn: 'KeyArn',
      apiId: 'ApiId',
      apiUrl: 'ApiUrl',
    };
    for (const part of Object.keys(names) as (keyof typeof names)[]) {
      new CfnOutput(stack, names[part], { value: values[part], exportName: exportName(stack.stackName, part) });
    }
    new CfnOutput(stack, 'EventBus', { value: this.eventBus.eventBusArn });
  }
}
