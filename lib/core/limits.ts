import type { EpochMs, Milliseconds } from './types.ts';
import { hours } from './types.ts';

/**
 * The largest parts of an answer, in bytes of UTF-8. A token travels in a header, and servers take 8 to 16 KiB of headers;
 * an item of DynamoDB holds 400 kB, and what a thousand connections hold has to fit into memory.
 */
export const LARGEST = {
  accessToken: 16 * 1024,
  refreshToken: 16 * 1024,
  headers: 32 * 1024,
  baseUrl: 2 * 1024,
} as const;

export const fits = (text: string, largest: number): boolean => Buffer.byteLength(text) <= largest;

/** Nothing that a provider issues is good for longer: a moment beyond that is a mistake of a unit. */
const LONGEST: Milliseconds = hours(24 * 366 * 100);

/** Whether a moment can be one, and can be stored. */
export const isPlausible = (moment: number, now: EpochMs): moment is EpochMs =>
  Number.isSafeInteger(moment) && Math.abs(moment - now) <= LONGEST;

/** No provider asks in earnest to wait for longer. */
export const LONGEST_RETRY_AFTER: Milliseconds = hours(24);
