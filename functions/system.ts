import { randomUUID } from 'node:crypto';
import { epochMs } from '../lib/core/types.ts';
import type { Clock } from '../lib/shell/ports.ts';

/** Time and chance as they are. */
export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  sleep: duration => new Promise(resolve => setTimeout(resolve, duration)),
};

export const systemChance = { random: Math.random, claimId: randomUUID };
