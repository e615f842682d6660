import { describe, expect, it } from 'vitest';
import { shardOf } from '../../lib/core/shard.ts';
import { type Connection, minutes, plus, version } from '../../lib/core/types.ts';
import type { ConnectionStore, ConnectionSummary } from '../../lib/ports.ts';
import { connectionOf, type Full, idOf, START } from '../kit/records.ts';

/** Every field that a list shows. */
const shown: Omit<Full<ConnectionSummary>, 'connection'> = {
  status: 'attention',
  dueAt: plus(START, 1),
  issuedAt: START,
  expiresAt: plus(START, minutes(10)),
  failures: 3,
  failingSince: START,
  session: { version: version(2), endsAt: plus(START, 10), inDoubt: true },
  labels: { expires: START, tags: { customer: 'Acme' } },
  lastError: { times: 2, code: 'invalid_client', at: START, since: START, status: 401, fields: ['clientKey'] },
  retiredAt: plus(START, 2),
};
const hidden = {
  usedVersion: 'v' as never,
  redeemedCode: 'fingerprint',
  forcedAt: START,
  leaseUntil: START,
  base: 'o',
};

export const describePages = (store: () => ConnectionStore): void => {
  let providers = 0;
  /** Connections of one shard of a provider that no other test has, in the order of their ids. */
  const added = async (count: number, change: Partial<Connection> = {}) => {
    providers += 1;
    const provider = `pages-${providers}`;
    const ids = Array.from({ length: 40 * count }, (_, n) => idOf(`c${n}`, provider));
    const inShard = ids.filter(id => shardOf(id) === 3).slice(0, count);
    for (const id of inShard) await store().add(connectionOf(id, change));
    const page = (after: string, limit: number) => store().page(provider, 3, { after, limit });
    return { provider, ids: inShard.toSorted(), page };
  };

  describe('a page of connections', () => {
    it('goes through a shard in the order of ids, each once', async () => {
      const { ids, page } = await added(7);
      const seen: string[] = [];
      for (let after: string | undefined = ''; after !== undefined; ) {
        const { connections, next } = await page(after, 3);
        expect(connections.length).toBeLessThanOrEqual(3);
        seen.push(...connections.map(each => each.connection));
        after = next;
      }
      expect(seen).toEqual(ids);
    });

    it('begins behind an id, whether or not that is there', async () => {
      const { ids, page, provider } = await added(4);
      const [, second = ''] = ids;
      expect((await page(second, 10)).connections.map(each => each.connection)).toEqual(ids.slice(2));
      expect((await page(`${second}.`, 10)).connections.map(each => each.connection)).toEqual(ids.slice(2));
      expect((await page(`${provider}0`, 10)).connections).toEqual([]);
    });

    it('has no next one if all was seen, and may have one if it is full', async () => {
      const { ids, page } = await added(4);
      expect((await page('', 5)).next).toBeUndefined();
      expect((await page('', 2)).next).toBe(ids[1]);
    });

    it('holds what a list shows, all of it and nothing else', async () => {
      const { ids, page } = await added(1, { ...shown, ...hidden });
      expect((await page('', 1)).connections).toEqual([{ connection: ids[0], ...shown }]);
    });

    it('is empty if there is nothing', async () => {
      expect(await store().page('nobody', 0, { after: '', limit: 10 })).toEqual({ connections: [] });
    });
  });
};
