/** One condition of the product removed or inverted; its name is the resulting failure. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Occurs in the file once. */
  readonly find: string;
  readonly replace: string;
}

type Line = readonly [name: string, find: string, replace: string];

export const mutantsOf = (file: string, lines: readonly Line[]): Mutant[] =>
  lines.map(([name, find, replace]) => ({ name, file, find, replace }));
