import type { LocalAws } from './emulator.ts';

export interface Heard {
  readonly 'detail-type': string;
  readonly source: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Subscribes a queue to an event bus, as a user's rule would; returns new events since the last call. */
export const listenTo = async (aws: LocalAws, bus: string): Promise<() => Promise<readonly Heard[]>> => {
  const name = bus.slice(bus.lastIndexOf('/') + 1);
  const { QueueUrl } = await aws.call<{ QueueUrl: string }>('sqs', 'create-queue', '--queue-name', 'state-changes');
  const pattern = JSON.stringify({ source: ['token-refresher'] });
  await aws.call('events', 'put-rule', '--name', 'all', '--event-bus-name', name, '--event-pattern', pattern);
  const target = 'Id=queue,Arn=arn:aws:sqs:us-east-1:123456789012:state-changes';
  await aws.call('events', 'put-targets', '--rule', 'all', '--event-bus-name', name, '--targets', target);
  return async () => {
    const call = ['sqs', 'receive-message', '--queue-url', QueueUrl, '--max-number-of-messages', '10'];
    const answer = await aws.call<{ Messages?: { Body: string }[] } | null>(...call);
    return (answer?.Messages ?? []).map(({ Body }) => JSON.parse(Body));
  };
};
