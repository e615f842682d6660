import { distance } from 'fastest-levenshtein';

/** Shorter words resemble many others. */
const LONG = 8;

/** The word that a misspelled one most likely means: two letters off, or one if it is short. */
export const nearMiss = (misspelled: string, words: readonly string[]): string | undefined => {
  const near = words
    .map(word => ({ word, off: distance(misspelled.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, off }) => off <= (word.length < LONG ? 1 : 2));
  return near.toSorted((a, b) => a.off - b.off)[0]?.word;
};
