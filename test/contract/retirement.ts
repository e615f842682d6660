import { expect, it } from 'vitest';
import { GRACE } from '../../lib/core/retirement.ts';
import { plus, version } from '../../lib/core/types.ts';
import type { ConnectionStore } from '../../lib/ports.ts';
import { connectionOf, fullConnection, revival, START, secretNoteOf } from '../kit/records.ts';
import { claim, LEASE_END, storedConnections } from './connections.ts';
import type { Fresh } from './stores.ts';

export const describeRetirement = (store: () => ConnectionStore, fresh: Fresh): void => {
  const { added, claimed, listed } = storedConnections(store, fresh);

  it('is marked once; its end is due after the grace period', async () => {
    const connection = await added({ dueAt: plus(START, 7) });
    await store().retire(connection.connection, plus(START, 3));
    await store().retire(connection.connection, plus(START, 4));
    const retired = { ...connection, retiredAt: START + 3, dueAt: START + 3 + GRACE };
    expect(await store().get(connection.connection)).toEqual(retired);
    expect(await listed(connection.connection)).toEqual([retired]);
  });

  it('is taken back under a new version, with all that there was if its end has not begun', async () => {
    const { endingAt: _, endedAt: __, ...record } = fullConnection(fresh());
    await store().add(record);
    await store().revive(record.connection, revival(plus(START, 9), secretNoteOf('3', 7)));
    const { retiredAt, replacedAt, ...left } = record;
    expect(await store().get(record.connection)).toEqual({
      ...left,
      dueAt: START + 9,
      version: 4,
      ...secretNoteOf('3', 7),
    });
  });

  it.each(['endingAt', 'endedAt'] as const)('is taken back after %s without what nobody may use again', async mark => {
    const { endingAt: _, endedAt: __, ...record } = fullConnection(fresh());
    await store().add({ ...record, [mark]: START });
    await store().revive(record.connection, revival(plus(START, 9), secretNoteOf('3', 7)));
    const { retiredAt, replacedAt, issuedAt, expiresAt, session, leaseUntil, ...left } = record;
    expect(await store().get(record.connection)).toEqual({
      ...left,
      dueAt: START + 9,
      version: 4,
      ...secretNoteOf('3', 7),
    });
  });

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
      ...secretNoteOf('restored'),
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
    expect(await listed(retired.connection)).toEqual([begun]);
  });

  it('can be begun again at any time, even after the end, and keeps its first beginning', async () => {
    const ended = await added({ retiredAt: START, dueAt: plus(START, 9), endingAt: plus(START, 1), endedAt: START });
    const { endedAt: _, ...begun } = { ...ended, dueAt: START + 65 };
    expect(await store().beginEnd(ended.connection, soon)).toEqual(begun);
    expect(await store().get(ended.connection)).toEqual(begun);
  });

  it('does not begin to end if it is not retired', async () => {
    const working = await added();
    expect(await store().beginEnd(working.connection, soon)).toBeUndefined();
    await store().end(working.connection, working.version, plus(START, 6));
    expect(await store().get(working.connection)).toEqual(working);
  });

  it('has ended only under the version that was ended', async () => {
    const retired = await added({ retiredAt: START, endingAt: START, version: version(4) });
    await store().end(retired.connection, version(3), plus(START, 6));
    expect(await store().get(retired.connection)).toEqual(retired);
    await store().end(retired.connection, version(4), plus(START, 6));
    expect(await store().get(retired.connection)).toEqual({ ...retired, endedAt: START + 6 });
  });

  it('is not taken back if it is at work', async () => {
    const mine = await claimed();
    await store().revive(mine.connection, revival(START));
    expect(await store().get(mine.connection)).toEqual(mine);
  });

  it('is removed only under its version, and not before it is retired', async () => {
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
};
