import type { LocalAws } from './emulator.ts';

export interface DeliveredMail {
  readonly Subject: string;
  readonly Message: string;
}

/** Subscribes a queue to the alarm topic, like a mailbox; returns new mails since the last call. */
export const mailsOf = async (aws: LocalAws, topic: string): Promise<() => Promise<readonly DeliveredMail[]>> => {
  const { QueueUrl } = await aws.call<{ QueueUrl: string }>('sqs', 'create-queue', '--queue-name', 'mailbox');
  const queue = 'arn:aws:sqs:us-east-1:123456789012:mailbox';
  await aws.call('sns', 'subscribe', '--topic-arn', topic, '--protocol', 'sqs', '--notification-endpoint', queue);
  return async () => {
    const mails: DeliveredMail[] = [];
    for (;;) {
      const call = ['sqs', 'receive-message', '--queue-url', QueueUrl, '--max-number-of-messages', '10'];
      const answer = await aws.call<{ Messages?: { Body: string; ReceiptHandle: string }[] } | null>(...call);
      const messages = answer?.Messages ?? [];
      if (messages.length === 0) return mails;
      // Otherwise the queue delivers it again half a minute later.
      for (const { ReceiptHandle } of messages) {
        await aws.call('sqs', 'delete-message', '--queue-url', QueueUrl, '--receipt-handle', ReceiptHandle);
      }
      mails.push(...messages.map(({ Body }): DeliveredMail => JSON.parse(Body)));
    }
  };
};
