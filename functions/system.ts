import { randomUUID } from 'node:crypto';
import { epochMs } from '../lib/core/types.ts';
import type { Clock } from '../lib/ports.ts';

/** The real clock and real randomness. */
export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  sleep: (duration, signal) =>
    new Promise(resolve => {
      const timer = setTimeout(resolve, duration);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
};

export const systemChance = { random: Math.random, claimId: randomUUID };
