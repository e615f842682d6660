import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { snsClient, topic } from '../../lib/aws/topic.ts';

const ARN = 'arn:aws:sns:eu-west-1:123456789012:made-up-topic';

describe('a topic', () => {
  it('takes a message with its subject', async () => {
    const sns = mockClient(SNSClient).resolves({});
    await topic(snsClient({ AWS_REGION: 'eu-west-1' }), ARN)({ subject: 'subject', text: 'text' });
    expect(sns.commandCalls(PublishCommand).map(call => call.args[0].input)).toEqual([
      { TopicArn: ARN, Subject: 'subject', Message: 'text' },
    ]);
  });

  it('that refuses a message causes an error', async () => {
    mockClient(SNSClient).rejects(new Error('refused'));
    await expect(topic(snsClient({ AWS_REGION: 'eu-west-1' }), ARN)({ subject: 's', text: 't' })).rejects.toThrow();
  });
});
