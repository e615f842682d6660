/** Interleaved rounds: both sides of a ratio meet the same moments of a busy machine. */

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** Microseconds of one call, as the mean over `calls` calls. */
const timed = async (call: () => Promise<unknown>, calls: number): Promise<number> => {
  const start = process.hrtime.bigint();
  for (let n = 0; n < calls; n++) await call();
  return Number(process.hrtime.bigint() - start) / 1000 / calls;
};

export interface Compared {
  /** Microseconds of one call: the median of all rounds. */
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
}

export interface Rounds {
  readonly rounds: number;
  /** Calls in a row in each round. */
  readonly calls: number;
}

/** Compares two calls; a few rounds before do not count. */
export const compare = async (
  ours: () => Promise<unknown>,
  theirs: () => Promise<unknown>,
  { rounds, calls }: Rounds,
): Promise<Compared> => {
  const times: { readonly ours: number; readonly theirs: number }[] = [];
  for (let round = -Math.ceil(rounds / 5); round < rounds; round++) {
    const oursFirst = round % 2 === 0;
    const first = await timed(oursFirst ? ours : theirs, calls);
    const second = await timed(oursFirst ? theirs : ours, calls);
    const pair = oursFirst ? { ours: first, theirs: second } : { ours: second, theirs: first };
    if (round >= 0) times.push(pair);
  }
  return {
    ours: median(times.map(each => each.ours)),
    theirs: median(times.map(each => each.theirs)),
    ratio: median(times.map(each => each.ours / each.theirs)),
  };
};
