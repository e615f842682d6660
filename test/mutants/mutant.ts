/** One condition of the product taken away or turned round, under the name of what then goes wrong. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Occurs in the file once. */
  readonly find: string;
  readonly replace: string;
  /** The tests that are tried first. */
  readonly tests: readonly string[];
  /** Why it makes no difference that matters, where nothing notices it. */
  readonly harmless?: string;
}

type Line = readonly [name: string, find: string, replace: string, harmless?: string];

export const mutantsOf = (file: string, tests: readonly string[], lines: readonly Line[]): Mutant[] =>
  lines.map(([name, find, replace, harmless]) => ({
    name,
    file,
    find,
    replace,
    tests,
    ...(harmless !== undefined && { harmless }),
  }));
