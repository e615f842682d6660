import { type EpochMs, type Milliseconds, plus } from '../../lib/core/types.ts';
import type { Clock } from '../../lib/ports.ts';
import { START } from './records.ts';

export interface VirtualClock extends Clock {
  /** Lets time pass without waking sleepers; they notice it at their next wake-up. */
  pass(duration: Milliseconds): void;
}

/** Time that stands still while anything runs, and jumps to the next wake-up when everything sleeps. */
export const virtualClock = (start: EpochMs = START): VirtualClock => {
  let now = start;
  const sleepers: { readonly at: EpochMs; readonly wake: () => void }[] = [];
  const wakeNext = () => {
    sleepers.sort((a, b) => a.at - b.at);
    const next = sleepers.shift();
    if (!next) return;
    if (next.at > now) now = next.at;
    next.wake();
  };
  return {
    now: () => now,
    sleep: (duration, signal) =>
      new Promise(wake => {
        const sleeper = { at: plus(now, duration), wake };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          if (sleepers.includes(sleeper)) sleepers.splice(sleepers.indexOf(sleeper), 1);
          wake();
        });
        // A turn of the event loop for everything that is still running.
        setImmediate(() => setImmediate(wakeNext));
      }),
    pass: duration => {
      now = plus(now, duration);
    },
  };
};
