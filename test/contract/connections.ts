import { describe, expect, it } from 'vitest';
import { shardOf } from '../../lib/core/shard.ts';
import {
  type Connection,
  type ConnectionId,
  epochMs,
  minutes,
  plus,
  secretVersion,
  version,
} from '../../lib/core/types.ts';
import type { ConnectionStore, Settlement } from '../../lib/ports.ts';
import { connectionOf, type Full, fullConnection, revival, START, secretNoteOf } from '../kit/records.ts';
import type { AtOnce, Fresh } from './stores.ts';

export const LEASE_END = plus(START, minutes(2));
export const claim = { id: 'claim-1', leaseUntil: LEASE_END };

const healthy: Settlement = {
  status: 'healthy',
  dueAt: plus(START, minutes(5)),
  failures: 0,
  issuedAt: START,
  expiresAt: plus(START, minutes(10)),
  session: { version: version(1), endsAt: plus(START, minutes(60)) },
  base: 'https://login.test',
  usedVersion: secretVersion('secret-version-1'),
  settledVersion: secretVersion('secret-version-1'),
  redeemedCode: 'fingerprint',
};

const failing: Settlement = {
  status: 'attention',
  dueAt: plus(START, minutes(60)),
  failures: 2,
  failingSince: START,
  attentionSince: plus(START, 1),
  lastError: { times: 1, code: 'invalid_client', at: plus(START, 1), since: START, status: 401, fields: ['clientKey'] },
};

/** Connections in a store. */
export const storedConnections = (store: () => ConnectionStore, fresh: Fresh) => {
  const added = async (change: Partial<Connection> = {}): Promise<Connection> => {
    const connection = connectionOf(fresh(), change);
    await store().add(connection);
    return connection;
  };
  return {
    added,
    claimed: async () => {
      const mine = await store().claim(await added(), claim);
      if (!mine) throw new Error('the claim was lost');
      return mine;
    },
    /** The connection as a list shows it. */
    listed: async (connection: ConnectionId) => {
      const records = await store().list('test-provider', shardOf(connection));
      return records.filter(record => record.connection === connection);
    },
  };
};

export const describeConnections = (store: () => ConnectionStore, fresh: Fresh, atOnce: AtOnce): void => {
  const { added, claimed, listed } = storedConnections(store, fresh);

  describe('adding and listing', () => {
    it('gives back every field of a record', async () => {
      const connection = fullConnection(fresh());
      await store().add(connection);
      expect(await store().get(connection.connection)).toEqual(connection);
    });

    it('lists what a list shows, all of it and nothing else', async () => {
      const record = fullConnection(fresh());
      await store().add(record);
      const { credentials, forcedAt, apiOrigin, ...shown } = record;
      expect(await listed(record.connection)).toEqual([shown]);
    });

    it('returns undefined if nothing was added', async () => {
      expect(await store().get(fresh())).toBeUndefined();
      expect(await store().list('nobody', 0)).toEqual([]);
    });

    it('adds a connection once and leaves what is there alone', async () => {
      const first = await added();
      expect(await store().add({ ...first, failures: 7 })).toBe(false);
      expect(await store().get(first.connection)).toEqual(first);
    });
  });

  it.each<[string, (unknown: ConnectionId) => Promise<unknown>, unknown]>([
    ['claim', unknown => store().claim(connectionOf(unknown), claim), undefined],
    ['raise', unknown => store().raise(unknown, version(1), version(7)), false],
    ['noteSecret', unknown => store().noteSecret(unknown, secretNoteOf('1')), undefined],
    ['noteReported', unknown => store().noteReported(unknown, { at: START, troubles: [] }), undefined],
    ['retire', unknown => store().retire(unknown, START), undefined],
    ['replace', unknown => store().replace(unknown, START), undefined],
    ['revive', unknown => store().revive(unknown, revival(START)), undefined],
    ['beginEnd', unknown => store().beginEnd(unknown, { at: START, dueAt: START }), undefined],
    ['end', unknown => store().end(unknown, version(1), START), undefined],
  ])('%s makes no record of an unknown connection', async (_, call, result) => {
    const unknown = fresh();
    expect(await call(unknown)).toEqual(result);
    expect(await store().get(unknown)).toBeUndefined();
  });

  describe('raising a version', () => {
    it('is only for the worker with the current version', async () => {
      const { connection, version: mine } = await added();
      expect(await store().raise(connection, mine, version(mine + 7))).toBe(true);
      expect(await store().get(connection)).toMatchObject({ version: mine + 7 });
      expect(await store().raise(connection, mine, version(mine + 9))).toBe(false);
      expect(await store().get(connection)).toMatchObject({ version: mine + 7 });
    });

    it('is refused for a retired connection', async () => {
      const { connection, version: mine } = await added();
      await store().retire(connection, START);
      expect(await store().raise(connection, mine, version(mine + 7))).toBe(false);
    });
  });

  describe('claiming', () => {
    it('adds one to the version and hides it until the lease ends', async () => {
      const seen = await added({ forcedAt: START });
      const mine = await store().claim(seen, claim);
      expect(mine).toEqual({ ...seen, version: 1, dueAt: LEASE_END, leaseUntil: LEASE_END });
      expect(await store().get(seen.connection)).toEqual(mine);
    });

    it('notes that it was forced', async () => {
      const seen = await added();
      const forcedAt = plus(START, 5);
      expect(await store().claim(seen, { ...claim, forcedAt })).toMatchObject({ forcedAt });
    });

    atOnce('has one winner among many that saw the same', async () => {
      const seen = await added();
      const claims = Array.from({ length: 20 }, (_, n) => store().claim(seen, { ...claim, id: `claim-${n}` }));
      const winners = (await Promise.all(claims)).filter(answer => answer !== undefined);
      expect(winners).toHaveLength(1);
      expect((await store().get(seen.connection))?.version).toBe(1);
    });

    it('recognises its own claim, and no other', async () => {
      const seen = await added();
      const mine = await store().claim(seen, claim);
      expect(await store().claim(seen, claim)).toEqual(mine);
      expect(await store().claim(seen, { ...claim, id: 'claim-2' })).toBeUndefined();
    });

    it.each([
      ['the version has moved', { version: version(4) }],
      ['it is due at another time', { dueAt: epochMs(START + 1) }],
    ])('fails if %s', async (_, change) => {
      const there = await added({ version: version(3) });
      expect(await store().claim({ ...there, ...change }, claim)).toBeUndefined();
      expect(await store().get(there.connection)).toEqual(there);
    });

    it('fails if the connection is retired', async () => {
      expect(await store().claim(await added({ retiredAt: START }), claim)).toBeUndefined();
    });
  });

  describe('settling', () => {
    it('writes every field, removes those that are absent, leaves the others, and ends the claim', async () => {
      const { retiredAt: _, endingAt: __, endedAt: ___, replacedAt: ____, ...seen } = fullConnection(fresh());
      await store().add(seen);
      const mine = await store().claim(seen, claim);
      const { connection, version: before, ...rest } = seen;
      const { forcedAt, discoveredVersion, secretKeys, labels, reported, ...settlement } = rest;
      const every: Full<Settlement> = settlement;
      const kept = { forcedAt, discoveredVersion, secretKeys, labels, reported };
      const left = { connection, version: version(before + 1), ...kept };
      expect(mine?.version).toBe(left.version);
      for (const each of [healthy, every, failing]) {
        expect(await store().settle(connection, left.version, each)).toBe(true);
        expect(await store().get(connection)).toEqual({ ...left, ...each });
      }
    });

    it('leaves no claim that could be recognised', async () => {
      const seen = await added();
      const mine = await store().claim(seen, claim);
      await store().settle(seen.connection, version(1), { ...healthy, dueAt: LEASE_END });
      expect(mine?.version).toBe(1);
      expect(await store().claim(seen, claim)).toBeUndefined();
    });

    it('does nothing once someone else has claimed', async () => {
      const mine = await claimed();
      const theirs = await store().claim(mine, { id: 'claim-2', leaseUntil: plus(LEASE_END, 1) });
      expect(await store().settle(mine.connection, mine.version, healthy)).toBe(false);
      expect(await store().get(mine.connection)).toEqual(theirs);
    });

    it('does nothing once the connection is retired or removed', async () => {
      const mine = await claimed();
      await store().retire(mine.connection, START);
      expect(await store().settle(mine.connection, mine.version, healthy)).toBe(false);
      await store().remove(mine.connection, mine.version);
      expect(await store().settle(mine.connection, mine.version, healthy)).toBe(false);
      expect(await store().get(mine.connection)).toBeUndefined();
    });
  });

  describe('the secret of a connection', () => {
    it('is noted without disturbing a claim', async () => {
      const mine = await claimed();
      await store().noteSecret(mine.connection, secretNoteOf('2', 7));
      expect(await store().get(mine.connection)).toEqual({
        ...mine,
        discoveredVersion: '2',
        secretKeys: 7,
        labels: {},
      });
      const labels = { expires: START, tags: { customer: 'Acme' } };
      await store().noteSecret(mine.connection, { ...secretNoteOf('2', 7), labels });
      expect((await store().get(mine.connection))?.labels).toEqual(labels);
    });
  });

  describe('what was reported about a connection', () => {
    it('is noted without disturbing a claim', async () => {
      const mine = await claimed();
      const reported = { at: START, troubles: ['attention@1', 'overdue@2'] };
      await store().noteReported(mine.connection, reported);
      expect(await store().get(mine.connection)).toEqual({ ...mine, reported });
      await store().noteReported(mine.connection, { at: plus(START, 1), troubles: [] });
      expect(await store().get(mine.connection)).toEqual({ ...mine, reported: { at: plus(START, 1), troubles: [] } });
    });
  });
};
