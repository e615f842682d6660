import { Template as Assertions } from 'aws-cdk-lib/assertions';
import type { Settings } from '../../infra/settings.ts';
import { stackNameOf, TokenRefresherStack } from '../../infra/stack.ts';
import { newApp } from '../infra/template.ts';
import { AwsAccount } from './account.ts';
import { readersTemplate } from './readers.ts';
import type { Template } from './stacks.ts';

export const PLACE = { partition: 'aws', region: 'us-east-1', account: '123456789012' };
export const SECRETS_KEY_ARN = 'arn:aws:kms:us-east-1:123456789012:key/secrets';

/** Invented physical ids, in the form of real ones. Two stacks of the same parts have two prefixes. */
const physicalIn =
  ({ Resources }: Template, prefix: string) =>
  (id: string): string => {
    const { region, account } = PLACE;
    const name = prefix + id;
    switch (Resources[id]?.Type) {
      case 'AWS::SQS::Queue':
        return `https://sqs.${region}.amazonaws.com/${account}/${name}`;
      case 'AWS::SNS::Topic':
        return `arn:aws:sns:${region}:${account}:${name}`;
      default:
        return name;
    }
  };

const templateOf = (settings: Settings): Template => {
  const stack = new TokenRefresherStack(newApp(), stackNameOf(settings), {
    secretsKeyArns: [SECRETS_KEY_ARN],
    ...settings,
  });
  return Assertions.fromStack(stack).toJSON() as Template;
};

/** The templates of the deployment and of its readers. */
export const templates = (): readonly Template[] => [templateOf({}), readersTemplate()];

/** The templates of deployments next to each other, by their names. */
export const deployments = (...names: readonly string[]): readonly Template[] =>
  names.map(name => templateOf({ name }));

/** An account with these templates deployed, and with every secret that is requested. */
export const awsAccountOf = (deployed: readonly Template[]): AwsAccount => {
  const stacks = deployed.map((template, n) => ({ template, physical: physicalIn(template, n > 0 ? `${n}-` : '') }));
  return new AwsAccount(PLACE, stacks, async name => ({
    arn: `arn:aws:secretsmanager:${PLACE.region}:${PLACE.account}:secret:${name}-AbCdEf`,
  }));
};
