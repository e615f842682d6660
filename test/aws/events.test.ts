import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeEach, expect, it } from 'vitest';
import { eventBus } from '../../lib/aws/events.ts';
import { plus } from '../../lib/core/types.ts';
import type { Transition } from '../../lib/events.ts';
import { mockedClient } from '../kit/mock-client.ts';
import { idOf, START } from '../kit/records.ts';
import { textOf } from '../kit/repository.ts';

const document = textOf('docs/events.md');
const bus = mockedClient(EventBridgeClient);
const publish = eventBus(new EventBridgeClient({ region: 'eu-north-1' }), 'the-bus');
const transition: Transition = {
  type: 'needs attention',
  connection: idOf('station-7', 'petrosoft'),
  provider: 'petrosoft',
  at: START,
  reason: 'invalid_grant',
  fields: ['password'],
  expiresAt: plus(START, 1),
};
const sent = () => bus.commandCalls(PutEventsCommand).map(call => call.args[0].input.Entries ?? []);

beforeEach(() => {
  bus.reset();
  bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
});

it('an event is what its document says', async () => {
  await publish([transition]);
  const [[entry] = []] = sent();
  expect(entry).toMatchObject({
    EventBusName: 'the-bus',
    Source: 'token-refresher',
    DetailType: 'needs attention',
    Resources: ['petrosoft/station-7'],
    Time: new Date(START),
  });
  const [, example = '{}'] = /```json\n([\s\S]*?)```/.exec(document) ?? [];
  const detail = JSON.parse(entry?.Detail ?? '{}');
  expect(Object.keys(detail).toSorted()).toEqual(Object.keys(JSON.parse(example)).toSorted());
  expect(detail).toMatchObject({ at: new Date(START).toISOString(), expiresAt: new Date(START + 1).toISOString() });
  for (const type of ['needs attention', 'failing', 'recovered']) expect(document).toContain(`\`${type}\``);
});

it('more events than one call takes go in several', async () => {
  await publish(Array.from({ length: 23 }, () => transition));
  expect(sent().map(entries => entries.length)).toEqual([10, 10, 3]);
});

it('an event that the bus does not accept is a RefresherError', async () => {
  bus.on(PutEventsCommand).resolves({ FailedEntryCount: 1 });
  await expect(publish([transition])).rejects.toThrow('1 events were not taken');
});
