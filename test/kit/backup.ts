import type { MemoryTables } from './memory.ts';

export type Table = 'tokens' | 'connections';

const mapsOf: Readonly<Record<Table, readonly (keyof MemoryTables)[]>> = {
  tokens: ['tokens'],
  connections: ['records', 'sessions', 'ids', 'claims', 'waiters', 'logins'],
};
const copyOf = (map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> =>
  new Map([...map].map(([key, value]) => [key, value instanceof Set ? new Set(value) : value]));

/** A copy of a table. Calling it restores the table. */
export const backUp = (tables: MemoryTables, table: Table): (() => void) => {
  const copies = mapsOf[table].map(name => [tables[name] as Map<unknown, unknown>, copyOf(tables[name])] as const);
  return () => {
    for (const [map, copy] of copies) {
      map.clear();
      for (const [key, value] of copyOf(copy)) map.set(key, value);
    }
  };
};
