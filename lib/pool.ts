/**
 * Works through `items` in order, at most `limit` at a time, as long as `more` returns true. Returns how many were
 * begun.
 */
export const pool = async <T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
  more: () => boolean = () => true,
): Promise<number> => {
  let next = 0;
  const worker = async () => {
    while (next < items.length && more()) {
      const item = items[next++] as T;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return next;
};
