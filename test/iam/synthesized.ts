import { Template as Assertions } from 'aws-cdk-lib/assertions';
import { TokenRefresherStack } from '../../infra/stack.ts';
import { newApp } from '../infra/template.ts';
import { Account } from './account.ts';
import { readersTemplate } from './readers.ts';
import type { Template } from './stacks.ts';

export const PLACE = { partition: 'aws', region: 'us-east-1', account: '123456789012' };
export const SECRETS_KEY_ARN = 'arn:aws:kms:us-east-1:123456789012:key/secrets';

/** Invented physical ids, in the form of real ones. */
const physicalIn =
  ({ Resources }: Template) =>
  (id: string): string => {
    const { region, account } = PLACE;
    switch (Resources[id]?.Type) {
      case 'AWS::SQS::Queue':
        return `https://sqs.${region}.amazonaws.com/${account}/${id}`;
      case 'AWS::SNS::Topic':
        return `arn:aws:sns:${region}:${account}:${id}`;
      default:
        return id;
    }
  };

/** The templates of what is deployed and of its readers. */
export const templates = (): readonly Template[] => {
  const stack = new TokenRefresherStack(newApp(), 'TokenRefresher', { secretsKeyArns: [SECRETS_KEY_ARN] });
  return [Assertions.fromStack(stack).toJSON() as Template, readersTemplate()];
};

/** An account with these templates deployed, and any secret that is asked for. */
export const accountOf = (deployed: readonly Template[]): Account => {
  const stacks = deployed.map(template => ({ template, physical: physicalIn(template) }));
  return new Account(PLACE, stacks, async name => ({
    arn: `arn:aws:secretsmanager:${PLACE.region}:${PLACE.account}:secret:${name}-AbCdEf`,
  }));
};
