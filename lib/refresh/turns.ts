export interface Turns<T> {
  /** How many items are worked on at a time. */
  readonly limit: number;
  /** The groups of an item: how many of each are worked on at a time. */
  groupsOf(item: T): Readonly<Record<string, number>>;
  work(item: T): Promise<void>;
  /** Whether another item may be begun. */
  more(): boolean;
}

/**
 * Works through `waiting` in order, and removes each item that is begun. Items of a group with a full share wait
 * without holding up the others. Returns how many were begun.
 */
export const inTurns = <T>(waiting: T[], turns: Turns<T>): Promise<number> => {
  const { limit, work, more } = turns;
  const groups = new Map<T, Readonly<Record<string, number>>>();
  /** Computed once per item: items without room are checked repeatedly. Forgotten once the item is worked on. */
  const groupsOf = (item: T) => {
    const known = groups.get(item) ?? turns.groupsOf(item);
    groups.set(item, known);
    return known;
  };
  const all = waiting.length;
  const running = new Map<string, number>();
  let active = 0;
  const count = (item: T, change: 1 | -1): void => {
    active += change;
    for (const group of Object.keys(groupsOf(item))) running.set(group, (running.get(group) ?? 0) + change);
  };
  const hasRoom = (item: T): boolean => {
    const its = groupsOf(item);
    for (const group in its) if ((running.get(group) ?? 0) >= (its[group] ?? 0)) return false;
    return true;
  };
  const next = (): T | undefined => {
    if (active >= limit || !more()) return undefined;
    const index = waiting.findIndex(hasRoom);
    return index < 0 ? undefined : waiting.splice(index, 1)[0];
  };
  return new Promise((resolve, reject) => {
    const begin = (): void => {
      for (let item = next(); item !== undefined; item = next()) {
        const begun = item;
        count(begun, 1);
        work(begun).then(() => {
          count(begun, -1);
          groups.delete(begun);
          begin();
        }, reject);
      }
      if (active === 0) resolve(all - waiting.length);
    };
    begin();
  });
};
