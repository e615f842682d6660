export interface Turns<T> {
  /** How many items are worked on at a time, and how many of one group. */
  readonly limit: number;
  readonly perGroup: number;
  groupOf(item: T): string;
  work(item: T): Promise<void>;
  /** Whether another item may be begun. */
  more(): boolean;
}

/**
 * Works through `waiting` in order, and takes out of it what is begun. Those of a group that has its share wait without
 * holding up the others. Answers how many were begun.
 */
export const inTurns = <T>(waiting: T[], turns: Turns<T>): Promise<number> => {
  const { limit, perGroup, groupOf, work, more } = turns;
  const all = waiting.length;
  const running = new Map<string, number>();
  let active = 0;
  const count = (item: T, change: 1 | -1): void => {
    active += change;
    running.set(groupOf(item), (running.get(groupOf(item)) ?? 0) + change);
  };
  const next = (): T | undefined => {
    if (active >= limit || !more()) return undefined;
    const index = waiting.findIndex(item => (running.get(groupOf(item)) ?? 0) < perGroup);
    return index < 0 ? undefined : waiting.splice(index, 1)[0];
  };
  return new Promise((resolve, reject) => {
    const begin = (): void => {
      for (let item = next(); item !== undefined; item = next()) {
        const begun = item;
        count(begun, 1);
        work(begun).then(() => {
          count(begun, -1);
          begin();
        }, reject);
      }
      if (active === 0) resolve(all - waiting.length);
    };
    begin();
  });
};
