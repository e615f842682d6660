import { describe, expect, it } from 'vitest';
import { deliveryOf, expiriesOf, newsOf, QUIET, troublesOf } from '../../lib/core/news.ts';
import {
  type Connection,
  connectionId,
  epochMs,
  hours,
  type Listed,
  minutes,
  plus,
  version,
} from '../../lib/core/types.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';

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

  it('are attention without all that follows from it, but with an expiry, which does not', () => {
    const late = { expiresAt: START, dueAt: plus(START, -minutes(9)) };
    expect(troubles({ ...stopped, ...late })).toEqual([{ kind: 'attention', at: stopped.attentionSince }]);
    expect(troubles({ ...stopped, labels: { expires: plus(START, 1) } })).toEqual([
      { kind: 'attention', at: stopped.attentionSince },
      { kind: 'expiring', at: plus(START, 1), days: 3 },
    ]);
  });

  it('are an expired token, and that no worker handles it', () => {
    expect(troubles({ expiresAt: START, dueAt: plus(START, -minutes(9)) })).toEqual([
      { kind: 'no-token', at: START },
      { kind: 'overdue', at: plus(START, -minutes(9)) },
    ]);
  });

  it('are that refreshes fail while less than half of the time for them is left', () => {
    const failing = (left: number) =>
      troubles({
        status: 'failing',
        failingSince: START,
        issuedAt: plus(START, left - minutes(10)),
        expiresAt: plus(START, left),
      });
    expect(failing(minutes(3))).toEqual([]);
    expect(failing(minutes(2))).toEqual([{ kind: 'life-low', at: START }]);
  });

  it('include a token that expires soon although nothing fails: its worker crashes after each claim', () => {
    const claimed = (left: number, change: Partial<Connection> = {}) => {
      const times = { issuedAt: plus(START, left - minutes(10)), expiresAt: plus(START, left) };
      return troubles({ dueAt: plus(START, minutes(1)), leaseUntil: plus(START, minutes(1)), ...times, ...change });
    };
    const due = plus(START, minutes(2) - minutes(5));
    expect(claimed(minutes(2))).toEqual([{ kind: 'life-low', at: due }]);
    expect(claimed(minutes(3))).toEqual([]);
    // No worker claims it: that is a different trouble.
    expect(claimed(minutes(2), { dueAt: due, leaseUntil: due })).toEqual([{ kind: 'overdue', at: due }]);
  });

  it('are that it never had a token, once it has failed for ten minutes', () => {
    const failing = (since: number) =>
      troublesOf(
        connectionOf(idOf('new'), { status: 'failing', dueAt: START, failingSince: plus(START, since) }),
        paces,
        START,
      );
    expect(failing(-minutes(10))).toEqual([{ kind: 'no-token', at: plus(START, -minutes(10)) }]);
    expect(failing(-minutes(10) + 1)).toEqual([]);
  });
});

describe('an expiry', () => {
  const expires = (inDays: number, more: Partial<Connection> = {}) =>
    troubles({ labels: { expires: plus(START, hours(24 * inDays)) }, ...more });

  it('is news 14 and 3 days ahead', () => {
    const of = (inDays: number, days: number) => [{ kind: 'expiring', at: plus(START, hours(24 * inDays)), days }];
    expect(expires(14.01)).toEqual([]);
    expect(expires(14)).toEqual(of(14, 14));
    expect(expires(3.01)).toEqual(of(3.01, 14));
    expect(expires(3)).toEqual(of(3, 3));
    expect(expires(-1)).toEqual(of(-1, 3));
  });

  it('is reported at each of the two', () => {
    const far = connectionOf(idOf('acme'), {
      status: 'healthy',
      dueAt: plus(START, hours(999)),
      labels: { expires: plus(START, hours(24 * 10)) },
    });
    const [first] = newsOf([far], paces, START);
    const noted = { ...far, reported: { at: START, troubles: first?.troubles ?? [] } };
    expect(newsOf([noted], paces, plus(START, hours(24 * 6)))).toEqual([]);
    expect(newsOf([noted], paces, plus(START, hours(24 * 8)))).toMatchObject([
      { fresh: [{ kind: 'expiring', days: 3 }] },
    ]);
  });

  it('is published once, with or without its mail', () => {
    const soon = record({ labels: { expires: plus(START, hours(1)) } });
    const [first] = expiriesOf([soon], START);
    expect(first?.fresh).toEqual([{ kind: 'expiring', at: plus(START, hours(1)), days: 3 }]);
    const published = first?.troubles ?? [];
    expect(expiriesOf([{ ...soon, reported: { troubles: [], published } }], START)).toEqual([]);
    expect(newsOf([{ ...soon, reported: { troubles: [], published } }], paces, START)).toHaveLength(1);
    expect(expiriesOf([{ ...soon, reported: { at: START, troubles: published } }], START)).toHaveLength(1);
    expect(expiriesOf([{ ...soon, retiredAt: START }], START)).toEqual([]);
  });

  const session = { version: version(3), endsAt: plus(START, hours(24)) };
  it.each([
    [
      'that only a person can bring back and the last refresh did not extend',
      { version: version(4), redeemedCode: 'code' },
      1,
    ],
    ['that the last refresh extended', { version: version(3), redeemedCode: 'code' }, 0],
    ['while a refresh runs', { version: version(4), redeemedCode: 'code', leaseUntil: plus(START, 1) }, 0],
    ['that a login brings back', { version: version(4) }, 0],
  ])('of a session %s', (_, change, count) => {
    expect(troubles({ session, ...change })).toHaveLength(count);
  });
});

describe('news', () => {
  const reported = (...names: string[]) => ({ reported: { at: START, troubles: names } });
  const attention = `attention@${stopped.attentionSince}`;

  it('is each trouble that was not reported yet', () => {
    expect(newsOf([record(), record(stopped)], paces, START)).toEqual([
      {
        record: record(stopped),
        fresh: [{ kind: 'attention', at: stopped.attentionSince }],
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
  const fleet = (count: number, change: Partial<Connection>, of = idOf) =>
    Array.from({ length: count }, (_, n) => connectionOf(of(`c${n}`), { ...half, ...change }));
  const elsewhere = (name: string) => connectionId('other-provider', name) ?? idOf(name);
  const newsFrom = (count: number, of = idOf) => newsOf(fleet(count, stopped, of), paces, START);
  const delivery = (fresh: number, known: readonly Listed[]) => {
    const { how, news } = deliveryOf(newsFrom(fresh), known, START);
    return [how, news.length];
  };
  const reportedAt = (at: number) => ({ reported: { at: epochMs(at), troubles: [] } });

  it('is a mail each, up to five in a quarter of an hour', () => {
    expect(delivery(5, [])).toEqual(['singly', 5]);
    expect(delivery(2, fleet(3, reportedAt(START)))).toEqual(['singly', 2]);
    expect(delivery(5, fleet(9, reportedAt(START - QUIET)))).toEqual(['singly', 5]);
    expect(delivery(5, fleet(9, { reported: { troubles: [], published: ['expiring3@1'] } }))).toEqual(['singly', 5]);
  });

  it('is one summary of more, unless there is only one', () => {
    expect(delivery(6, [])).toEqual(['summary', 6]);
    expect(delivery(3, fleet(3, reportedAt(START)))).toEqual(['summary', 3]);
    expect(delivery(1, fleet(5, reportedAt(START)))).toEqual(['singly', 1]);
  });

  it('waits for the end of the quarter of an hour after a storm', () => {
    expect(delivery(1, fleet(6, reportedAt(START - QUIET + 1)))).toEqual(['singly', 0]);
    expect(delivery(1, fleet(6, reportedAt(START - QUIET)))).toEqual(['singly', 1]);
  });

  it('does not wait for the storm of another provider', () => {
    const storm = fleet(6, reportedAt(START));
    const news = [...newsFrom(2), ...newsFrom(6, elsewhere)];
    expect(deliveryOf(news, storm, START)).toEqual({ how: 'summary', news: newsFrom(6, elsewhere) });
    expect(deliveryOf(news.slice(0, 7), storm, START)).toEqual({ how: 'singly', news: newsFrom(5, elsewhere) });
  });
});
