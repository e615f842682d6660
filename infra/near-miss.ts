/** How many letters have to be added, removed or replaced to make one text of the other (Levenshtein). */
const distance = (a: string, b: string): number => {
  let above = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (const [row, letter] of [...a].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...b].entries()) {
      const [replaced = 0, removed = 0, added = 0] = [above[column], above[column + 1], current[column]];
      current.push(Math.min(replaced + (letter === other ? 0 : 1), removed + 1, added + 1));
    }
    above = current;
  }
  return above.at(-1) ?? 0;
};

/** Short words are near many others. */
const LONG = 8;

/** The word that a misspelt one is most likely meant to be: two letters off, one if it is short. */
export const nearMiss = (misspelt: string, words: readonly string[]): string | undefined => {
  const near = words
    .map(word => ({ word, off: distance(misspelt.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, off }) => off <= (word.length < LONG ? 1 : 2));
  return near.toSorted((a, b) => a.off - b.off)[0]?.word;
};
