import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { EVENT_SOURCE, type Transition } from '../events.ts';
import { type ClientOverrides, clientSettings, type Env } from './clients.ts';

/** The maximum of one call. */
const BATCH = 10;

export type PublishTransitions = (transitions: readonly Transition[]) => Promise<void>;

/** Puts state changes on the event bus, times as ISO 8601. Throws if the bus does not accept them all. */
export const eventBus = (client: EventBridgeClient, bus: string): PublishTransitions => {
  const entry = ({ type, at, expiresAt, endsAt, ...detail }: Transition): PutEventsRequestEntry => ({
    EventBusName: bus,
    Source: EVENT_SOURCE,
    DetailType: type,
    Time: new Date(at),
    Resources: [detail.connection],
    Detail: JSON.stringify({
      ...detail,
      at: new Date(at).toISOString(),
      ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
      ...(endsAt !== undefined && { endsAt: new Date(endsAt).toISOString() }),
    }),
  });
  return async transitions => {
    for (let from = 0; from < transitions.length; from += BATCH) {
      const Entries = transitions.slice(from, from + BATCH).map(entry);
      const { FailedEntryCount = 0 } = await client.send(new PutEventsCommand({ Entries }));
      if (FailedEntryCount > 0) throw new Error(`${FailedEntryCount} events were not taken by the bus`);
    }
  };
};

export const eventBridgeClient = (env: Env, overrides?: ClientOverrides): EventBridgeClient =>
  new EventBridgeClient({ ...clientSettings(env, overrides), maxAttempts: 3 });
