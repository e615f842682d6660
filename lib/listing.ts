import type { Listed } from './core/types.ts';
import { pool } from './pool.ts';
import type { ConnectionStore } from './ports.ts';

/** One at a time would be slow; all at once would take much more memory than the kept records. */
const AT_ONCE = 2;

/** The connections of some shards of some providers. */
export const listShards = async (
  connections: Pick<ConnectionStore, 'list'>,
  providers: readonly { readonly id: string }[],
  shards: readonly number[],
): Promise<Listed[]> => {
  const all = providers.flatMap(({ id }) => shards.map(shard => ({ id, shard })));
  const found: Listed[][] = [];
  await pool(all, AT_ONCE, async ({ id, shard }) => {
    found.push(await connections.list(id, shard));
  });
  return found.flat();
};
