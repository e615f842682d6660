import { describe, expect, it } from 'vitest';
import { deliveryOf, newsOf, QUIET, troublesOf } from '../../lib/core/news.ts';
import { type Connection, epochMs, type Listed, minutes, plus } from '../../lib/core/types.ts';
import { connectionOf, idOf, START } from '../support/records.ts';

const paces = new Map([['test-provider', { tick: minutes(1), refreshAt: 0.5, lifetime: minutes(10) }]]);
const half = {
  status: 'healthy',
  dueAt: plus(START, 1),
  issuedAt: plus(START, -minutes(5)),
  expiresAt: plus(START, minutes(5)),
} as const;
const record = (change: Partial<Connection> = {}, name = 'acme'): Listed =>
  connectionOf(idOf(name), { ...half, ...change });
const stopped = { status: 'attention', attentionSince: plus(START, -minutes(1)) } as const;
const troubles = (change: Partial<Connection>) => troublesOf(record(change), paces, START);

describe('the troubles of a connection', () => {
  it('are none if it is healthy, new or retired', () => {
    expect(troubles({})).toEqual([]);
    expect(troublesOf(connectionOf(idOf('new')), paces, START)).toEqual([]);
    expect(troubles({ ...stopped, retiredAt: START })).toEqual([]);
  });

  it('are attention alone, whatever follows from it', () => {
    const late = { expiresAt: START, dueAt: plus(START, -minutes(9)) };
    expect(troubles({ ...stopped, ...late })).toEqual([{ kind: 'attention', since: stopped.attentionSince }]);
  });

  it('are an expired token, and that nobody works on it', () => {
    expect(troubles({ expiresAt: START, dueAt: plus(START, -minutes(9)) })).toEqual([
      { kind: 'no-token', since: START },
      { kind: 'overdue', since: plus(START, -minutes(9)) },
    ]);
  });

  it('are that it never had a token, once it has failed for ten minutes', () => {
    const failing = (since: number) =>
      troublesOf(
        connectionOf(idOf('new'), { status: 'failing', dueAt: START, failingSince: plus(START, since) }),
        paces,
        START,
      );
    expect(failing(-minutes(10))).toEqual([{ kind: 'no-token', since: plus(START, -minutes(10)) }]);
    expect(failing(-minutes(10) + 1)).toEqual([]);
  });
});

describe('news', () => {
  const reported = (...names: string[]) => ({ reported: { at: START, troubles: names } });
  const attention = `attention@${stopped.attentionSince}`;

  it('is each trouble that was not reported yet', () => {
    expect(newsOf([record(), record(stopped)], paces, START)).toEqual([
      {
        record: record(stopped),
        fresh: [{ kind: 'attention', since: stopped.attentionSince }],
        troubles: [attention],
      },
    ]);
    expect(newsOf([record({ ...stopped, ...reported(attention) })], paces, START)).toEqual([]);
  });

  it('is the same trouble if it begins again', () => {
    const again = record({ ...stopped, ...reported('attention@7') });
    expect(newsOf([again], paces, START)).toHaveLength(1);
  });

  it('is what came on top, and notes all', () => {
    const overdue = { expiresAt: START, dueAt: plus(START, -minutes(9)) };
    const name = `overdue@${overdue.dueAt}`;
    expect(newsOf([record({ ...overdue, ...reported(name) })], paces, START)).toMatchObject([
      { fresh: [{ kind: 'no-token' }], troubles: [`no-token@${START}`, name] },
    ]);
  });
});

describe('the delivery of news', () => {
  const fleet = (count: number, change: Partial<Connection>) =>
    Array.from({ length: count }, (_, n) => record(change, `c${n}`));
  const delivery = (fresh: number, known: readonly Listed[]) =>
    deliveryOf(newsOf(fleet(fresh, stopped), paces, START), known, START);
  const reportedAt = (at: number) => ({ reported: { at: epochMs(at), troubles: [] } });

  it('is a mail each, up to five in a quarter of an hour', () => {
    expect(delivery(5, [])).toBe('singly');
    expect(delivery(2, fleet(3, reportedAt(START)))).toBe('singly');
    expect(delivery(5, fleet(9, reportedAt(START - QUIET)))).toBe('singly');
  });

  it('is one summary of more', () => {
    expect(delivery(6, [])).toBe('summary');
    expect(delivery(3, fleet(3, reportedAt(START)))).toBe('summary');
  });

  it('waits for the end of the quarter of an hour after a storm', () => {
    expect(delivery(1, fleet(6, reportedAt(START - QUIET + 1)))).toBe('later');
    expect(delivery(1, fleet(6, reportedAt(START - QUIET)))).toBe('singly');
  });
});
