import { describe, expect, it } from 'vitest';
import { GRACE } from '../../lib/core/retirement.ts';
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
import { connectionOf, type Full, fullConnection, noteOf, revival, START } from '../kit/records.ts';
import type { AtOnce, Fresh } from './stores.ts';

const LEASE_END = plus(START, minutes(2));
const claim = { id: 'claim-1', leaseUntil: LEASE_END };

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

export const describeConnections = (store: () => ConnectionStore, fresh: Fresh, atOnce: AtOnce): void => {
  const added = async (change: Partial<Connection> = {}): Promise<Connection> => {
    const connection = connectionOf(fresh(), change);
    await store().add(connection);
    return connection;
  };
  const claimed = async (change: Partial<Connection> = {}) => {
    const seen = await added(change);
    const mine = await store().claim(seen, claim);
    if (!mine) throw new Error('the claim was lost');
    return mine;
  };
  const inShard = async (connection: ConnectionId) => {
    const records = await store().list('test-provider', shardOf(connection));
    return records.filter(record => record.connection === connection);
  };

  describe('adding and listing', () => {
    it('gives back every field of a record', async () => {
      const connection = fullConnection(fresh());
      await store().add(connection);
      expect(await store().get(connection.connection)).toEqual(connection);
    });

    it('lists what a list shows, all of it and nothing else', async () => {
      const record = fullConnection(fresh());
      await store().add(record);
      const { credentials, forcedAt, apiOrigin, ...listed } = record;
      expect(await inShard(record.connection)).toEqual([listed]);
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

  describe('raising a version', () => {
    it('is only for the worker with the current version', async () => {
      const { connection, version: mine } = await added();
      expect(await store().raise(connection, mine, version(mine + 7))).toBe(true);
      expect(await store().get(connection)).toMatchObject({ version: mine + 7 });
      expect(await store().raise(connection, mine, version(mine + 9))).toBe(false);
      expect(await store().get(connection)).toMatchObject({ version: mine + 7 });
    });

    it('is refused for a retired connection and for a missing one', async () => {
      const { connection, version: mine } = await added();
      await store().retire(connection, START);
      expect(await store().raise(connection, mine, version(mine + 7))).toBe(false);
      expect(await store().raise(fresh(), mine, version(mine + 7))).toBe(false);
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

    it('fails if the connection is retired or unknown', async () => {
      const retired = await added({ retiredAt: START });
      expect(await store().claim(retired, claim)).toBeUndefined();
      const unknown = connectionOf(fresh());
      expect(await store().claim(unknown, claim)).toBeUndefined();
      expect(await store().get(unknown.connection)).toBeUndefined();
    });
  });

  describe('settling', () => {
    it('writes every field, removes those that are absent, leaves the others, and ends the claim', async () => {
      const { retiredAt: _, endingAt: __, endedAt: ___, replacedAt: ____, ...seen } = fullConnection(fresh());
      await store().add(seen);
      const mine = await store().claim(seen, claim);
      const {
        connection,
        version: before,
        forcedAt,
        discoveredVersion: noted,
        secretKeys,
        labels,
        reported,
        ...settlement
      } = seen;
      const every: Full<Settlement> = settlement;
      const left = {
        connection,
        version: version(before + 1),
        forcedAt,
        discoveredVersion: noted,
        secretKeys,
        labels,
        reported,
      };
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
      await store().noteSecret(mine.connection, noteOf('2', 7));
      expect(await store().get(mine.connection)).toEqual({
        ...mine,
        discoveredVersion: '2',
        secretKeys: 7,
        labels: {},
      });
      const labels = { expires: START, tags: { customer: 'Acme' } };
      await store().noteSecret(mine.connection, { ...noteOf('2', 7), labels });
      expect((await store().get(mine.connection))?.labels).toEqual(labels);
    });

    it('is not noted for an unknown connection', async () => {
      const unknown = fresh();
      await store().noteSecret(unknown, noteOf('1'));
      expect(await store().get(unknown)).toBeUndefined();
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

    it('is not noted for an unknown connection', async () => {
      const unknown = fresh();
      await store().noteReported(unknown, { at: START, troubles: [] });
      expect(await store().get(unknown)).toBeUndefined();
    });
  });

  describe('retiring', () => {
    it('marks a connection once; its end is due after the grace period', async () => {
      const connection = await added({ dueAt: plus(START, 7) });
      await store().retire(connection.connection, plus(START, 3));
      await store().retire(connection.connection, plus(START, 4));
      const retired = { ...connection, retiredAt: START + 3, dueAt: START + 3 + GRACE };
      expect(await store().get(connection.connection)).toEqual(retired);
      expect(await inShard(connection.connection)).toEqual([retired]);
    });

    it('is taken back under a new version, with all that there was if its end has not begun', async () => {
      const { endingAt: _, endedAt: __, ...record } = fullConnection(fresh());
      await store().add(record);
      await store().revive(record.connection, revival(plus(START, 9), noteOf('3', 7)));
      const { retiredAt, replacedAt, ...left } = record;
      expect(await store().get(record.connection)).toEqual({
        ...left,
        dueAt: START + 9,
        version: 4,
        ...noteOf('3', 7),
      });
    });

    it.each(['endingAt', 'endedAt'] as const)(
      'is taken back after %s without what nobody may use again',
      async mark => {
        const { endingAt: _, endedAt: __, ...record } = fullConnection(fresh());
        await store().add({ ...record, [mark]: START });
        await store().revive(record.connection, revival(plus(START, 9), noteOf('3', 7)));
        const { retiredAt, replacedAt, issuedAt, expiresAt, session, leaseUntil, ...left } = record;
        expect(await store().get(record.connection)).toEqual({
          ...left,
          dueAt: START + 9,
          version: 4,
          ...noteOf('3', 7),
        });
      },
    );

    it('is taken back only once it has ended, if the caller requires it', async () => {
      const retired = await added({ retiredAt: START, endingAt: START });
      const afterTheEnd = revival(plus(START, 9), { from: 'ended' });
      await store().revive(retired.connection, afterTheEnd);
      expect(await store().get(retired.connection)).toEqual(retired);
      await store().end(retired.connection, retired.version, plus(START, 8));
      await store().revive(retired.connection, afterTheEnd);
      expect(await store().get(retired.connection)).toEqual({
        ...connectionOf(retired.connection),
        dueAt: START + 9,
        version: 1,
        ...noteOf('restored'),
      });
    });

    it('is taken back once, and keeps no earlier claim', async () => {
      const mine = await claimed();
      await store().retire(mine.connection, START);
      await store().revive(mine.connection, revival(START));
      const revived = await store().get(mine.connection);
      expect(revived).toMatchObject({ version: 2, leaseUntil: LEASE_END });
      await store().revive(mine.connection, revival(plus(START, 1)));
      expect(await store().get(mine.connection)).toEqual(revived);
      expect(await store().claim({ ...mine, version: version(1) }, claim)).toBeUndefined();
    });

    it('is hurried once, before or after it began, if another secret takes the name', async () => {
      for (const before of [{}, { retiredAt: START }]) {
        const connection = await added({ ...before, dueAt: plus(START, 7) });
        await store().replace(connection.connection, plus(START, 3));
        await store().replace(connection.connection, plus(START, 4));
        const replaced = { ...connection, retiredAt: START + 3, ...before, replacedAt: START + 3, dueAt: START + 3 };
        expect(await store().get(connection.connection)).toEqual(replaced);
      }
    });

    const soon = { at: plus(START, 5), dueAt: plus(START, 65) };

    it('begins to end once that is due, and answers the record', async () => {
      const retired = await added({ retiredAt: START, dueAt: plus(START, 5) });
      const begun = { ...retired, dueAt: START + 65, endingAt: START + 5 };
      expect(await store().beginEnd(retired.connection, { ...soon, at: plus(START, 4) })).toBeUndefined();
      expect(await store().get(retired.connection)).toEqual(retired);
      expect(await store().beginEnd(retired.connection, soon)).toEqual(begun);
      expect(await store().get(retired.connection)).toEqual(begun);
      expect(await inShard(retired.connection)).toEqual([begun]);
    });

    it('can be begun again at any time, even after the end, and keeps its first beginning', async () => {
      const ended = await added({ retiredAt: START, dueAt: plus(START, 9), endingAt: plus(START, 1), endedAt: START });
      const { endedAt: _, ...begun } = { ...ended, dueAt: START + 65 };
      expect(await store().beginEnd(ended.connection, soon)).toEqual(begun);
      expect(await store().get(ended.connection)).toEqual(begun);
    });

    it('does not begin to end what is not retired, and makes no record', async () => {
      const working = await added();
      expect(await store().beginEnd(working.connection, soon)).toBeUndefined();
      await store().end(working.connection, working.version, plus(START, 6));
      expect(await store().get(working.connection)).toEqual(working);
      const unknown = fresh();
      expect(await store().beginEnd(unknown, soon)).toBeUndefined();
      expect(await store().get(unknown)).toBeUndefined();
    });

    it('has ended only under the version that was ended', async () => {
      const retired = await added({ retiredAt: START, endingAt: START, version: version(4) });
      await store().end(retired.connection, version(3), plus(START, 6));
      expect(await store().get(retired.connection)).toEqual(retired);
      await store().end(retired.connection, version(4), plus(START, 6));
      expect(await store().get(retired.connection)).toEqual({ ...retired, endedAt: START + 6 });
    });

    it('has nothing to take back of a connection at work', async () => {
      const mine = await claimed();
      await store().revive(mine.connection, revival(START));
      expect(await store().get(mine.connection)).toEqual(mine);
    });

    it('comes before removing', async () => {
      const { connection } = await added({ version: version(4) });
      await store().remove(connection, version(4));
      expect(await store().get(connection)).toBeDefined();
      await store().retire(connection, START);
      await store().remove(connection, version(3));
      expect(await store().get(connection)).toBeDefined();
      await store().remove(connection, version(4));
      await store().remove(connection, version(4));
      expect(await store().get(connection)).toBeUndefined();
    });

    it('does not create a record for an unknown connection', async () => {
      const unknown = fresh();
      await store().retire(unknown, START);
      await store().replace(unknown, START);
      await store().revive(unknown, revival(START));
      expect(await store().get(unknown)).toBeUndefined();
    });
  });
};
