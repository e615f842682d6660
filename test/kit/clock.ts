import { type EpochMs, epochMs, type Milliseconds, plus } from '../../lib/core/types.ts';
import type { Clock } from '../../lib/ports.ts';
import { START } from './records.ts';

export interface TestClock extends Clock {
  readonly sleep: (duration: Milliseconds, signal?: AbortSignal) => Promise<void>;
  /** Lets time pass without waking sleepers; they notice it at their next wake-up. */
  pass(duration: Milliseconds): void;
  set(moment: number): void;
  /** How long each sleep was to last. */
  readonly slept: readonly Milliseconds[];
}

/** Time that stands still while anything runs, and jumps to the next wake-up when everything sleeps. */
export const testClock = (): TestClock => {
  let now: EpochMs = START;
  const slept: Milliseconds[] = [];
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
        slept.push(duration);
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
    set: moment => {
      now = epochMs(moment);
    },
    slept,
  };
};
