import { setTimeout } from 'node:timers/promises';
import type { Connection } from '../lib/core/types.ts';
import type { Laptop } from './laptop.ts';

/** How long a first round waits without progress: for another worker's lease, a rate limit, a first retry. */
const PATIENCE = 120_000;
const STEP = 1000;

/**
 * Refreshes everything that is due, and waits for connections that only need time: a killed worker still holds the
 * lease, the rate limit is used up, or the first tries failed. `stop` ends the waiting.
 */
export const firstRound = async (laptop: Laptop, say: (line: string) => void, stop?: AbortSignal): Promise<void> => {
  let until = Date.now() + PATIENCE;
  let before = Number.POSITIVE_INFINITY;
  while (!stop?.aborted) {
    await laptop.tickAll();
    // Connections that are due then wait for the disk, for an unknown time.
    if (laptop.refusal() !== undefined) return;
    const waiting = (await laptop.connections()).filter(each => comesByItself(each, Date.now()));
    // A provider with a small rate limit may take long: wait as long as there is progress.
    if (waiting.length < before) until = Date.now() + PATIENCE;
    before = waiting.length;
    // A due connection that was not begun waits for one that has a time for its next slot.
    const later = waiting.map(each => each.dueAt).filter(dueAt => dueAt > Date.now());
    const next = later.length > 0 ? Math.min(...later) : Date.now() + STEP;
    if (waiting.length === 0 || next > until) return;
    say(
      `waiting ${Math.max(1, Math.ceil((next - Date.now()) / 1000))} s for ${waiting.map(each => each.connection).join(', ')}`,
    );
    await setTimeout(Math.max(STEP, next - Date.now()), undefined, stop && { signal: stop }).catch(() => {});
  }
};

const comesByItself = (connection: Connection, now: number): boolean => {
  if (connection.leaseUntil !== undefined && connection.leaseUntil > now) return true;
  const isValid = connection.expiresAt !== undefined && connection.expiresAt > now;
  return !isValid && connection.status !== 'attention' && connection.failures < 3;
};
