import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '../../lib/core/types.ts';

/** Polls until there is an answer, at most for `within`. */
export const until = async <T>(
  what: string,
  within: Milliseconds,
  ask: () => Promise<T | undefined | false>,
): Promise<T> => {
  const last = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > last) throw new Error(`not within ${within / 1000} s: ${what}`);
    await sleep(100);
  }
};

/** Repeats an action, one at a time, until it is stopped. */
export const repeat = (every: Milliseconds, action: () => Promise<unknown>): { stop(): Promise<void> } => {
  let going = true;
  const running = (async () => {
    while (going) {
      await action();
      await sleep(every);
    }
  })();
  // `stop` reports the failure; until then it must not count as unhandled.
  running.catch(() => {});
  return {
    stop: () => {
      going = false;
      return running;
    },
  };
};

export const secondsText = (duration: Milliseconds): string => `${(duration / 1000).toFixed(1)} s`;
