import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { beforeEach, describe, expect, it } from 'vitest';
import { snsClient, topic } from '../../lib/aws/topic.ts';
import { mockedClient } from '../kit/mock-client.ts';

const ARN = 'arn:aws:sns:eu-west-1:123456789012:made-up-topic';

const sns = mockedClient(SNSClient);
beforeEach(() => sns.reset());

describe('a topic', () => {
  it('takes a message with its subject', async () => {
    sns.resolves({});
    await topic(snsClient({ AWS_REGION: 'eu-west-1' }), ARN)({ subject: 'subject', text: 'text' });
    expect(sns.commandCalls(PublishCommand).map(call => call.args[0].input)).toEqual([
      { TopicArn: ARN, Subject: 'subject', Message: 'text' },
    ]);
  });

  it('that refuses a message causes an error', async () => {
    sns.rejects(new Error('refused'));
    await expect(topic(snsClient({ AWS_REGION: 'eu-west-1' }), ARN)({ subject: 's', text: 't' })).rejects.toThrow();
  });
});
