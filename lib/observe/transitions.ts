import type { MiddlewareObj } from '@middy/core';
import { retirement, type Transition, transitionsOf } from '../events.ts';
import type { Clock } from '../ports.ts';
import type { Observer } from '../refresh/sweep.ts';

/**
 * An observer that also collects state changes, and the middleware that publishes them at the end of an invocation. If
 * an event cannot be published, that is logged and the event is dropped: alarms and the record itself still show the
 * state.
 */
export const publishingTransitions = (
  observer: Observer,
  clock: Clock,
  publish: (transitions: readonly Transition[]) => Promise<void>,
  failed: (error: unknown) => void,
): { readonly observer: Observer; readonly middleware: MiddlewareObj } => {
  const collected: Transition[] = [];
  const flush = async () => {
    const batch = collected.splice(0);
    if (batch.length > 0) await publish(batch).catch(failed);
  };
  return {
    observer: {
      ...observer,
      retired: (connection, result, tags) => {
        observer.retired(connection, result, tags);
        if (result === 'ended') collected.push(retirement(connection, clock.now(), tags));
      },
      refresh: report => {
        observer.refresh(report);
        collected.push(...transitionsOf(report, clock.now()));
      },
    },
    middleware: { after: flush, onError: flush },
  };
};
