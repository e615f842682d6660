import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { DEFAULT_NAME } from '../lib/core/deployment.ts';
import { exportName } from './imported.ts';
import type { Settings } from './settings.ts';
import { TokenRefresher } from './token-refresher.ts';

/** The name of the stack that `cdk deploy` makes: each deployment has its own stack. */
export const stackNameOf = ({ name = DEFAULT_NAME }: Settings): string =>
  name === DEFAULT_NAME ? 'TokenRefresher' : `TokenRefresher-${name}`;

/** The stack that `cdk deploy` makes from this package alone. `TokenRefresher.fromStack` reads its exports. */
export class TokenRefresherStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { alarmTopicArn, secretsKeyArns, ...settings }: Settings,
    props?: StackProps,
  ) {
    super(scope, id, { description: 'token-refresher: access tokens that are always fresh', ...props });
    const secretsKeys = secretsKeyArns?.map((arn, n) => Key.fromKeyArn(this, `SecretsKey${n}`, arn));
    const refresher = new TokenRefresher(this, 'TokenRefresher', {
      ...settings,
      ...(secretsKeys && { secretsKeys }),
      ...(alarmTopicArn !== undefined && { alarmTopic: Topic.fromTopicArn(this, 'AlarmTopic', alarmTopicArn) }),
    });
    this.#export(refresher);
  }

  #export({ deploymentName, tokensTable, encryptionKey, eventBus, apiId, apiUrl }: TokenRefresher): void {
    const exported = [
      ['TokensTableArn', 'tokensTableArn', tokensTable.tableArn],
      ['KeyArn', 'encryptionKeyArn', encryptionKey.keyArn],
      ['EventBus', 'eventBusArn', eventBus.eventBusArn],
      ['ApiId', 'apiId', apiId],
      ['ApiUrl', 'apiUrl', apiUrl],
    ] as const;
    for (const [output, attribute, value] of exported) {
      new CfnOutput(this, output, { value, exportName: exportName(deploymentName, attribute) });
    }
    new CfnOutput(this, 'TokensTable', { value: tokensTable.tableName });
  }
}
