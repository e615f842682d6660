import { createHash } from 'node:crypto';

/** Made-up words, the same for the same seed. */

export const digest = (seed: string): string => createHash('sha256').update(seed).digest('hex');
/** In the form of a GUID, but recognisably made up. */
export const guid = (seed: string): string => `00000000-feed-4000-8000-${digest(seed).slice(0, 12)}`;
export const phrase = (what: string, seed: string): string =>
  `made-up-${what}-${digest(`${what} ${seed}`).slice(0, 8)}`;
