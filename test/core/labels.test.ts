import { describe, expect, it } from 'vitest';
import { labelsIn } from '../../lib/core/labels.ts';
import { connectionsIn } from '../../lib/core/secret.ts';
import { idOf } from '../kit/records.ts';

describe('the labels of a secret', () => {
  it('are none if it says nothing', () => {
    for (const fields of [{}, undefined, 7, [], 'text']) expect(labelsIn(fields)).toEqual({ labels: {}, bad: 0 });
  });

  it('are the end of the day on which the credentials expire, UTC, and tags', () => {
    const { labels, bad } = labelsIn({ expires: '2027-03-01', tags: { customer: 'Acme & Søn', 'cost.center': '7' } });
    expect(bad).toBe(0);
    expect(new Date(labels.expires ?? 0).toISOString()).toBe('2027-03-02T00:00:00.000Z');
    expect(labels.tags).toEqual({ customer: 'Acme & Søn', 'cost.center': '7' });
  });

  it.each(['2027-02-30', '2027-13-01', '01.03.2027', '2027-03-01T00:00:00Z', 20270301, null, ''])(
    'are not the date %j',
    expires => expect(labelsIn({ expires })).toEqual({ labels: {}, bad: 1 }),
  );

  it.each([
    ['a text', 'Acme'],
    ['a number', { customer: 7 }],
    ['a line break', { customer: 'Acme\nX-Header: 1' }],
    ['half a character', { customer: 'A\ud800' }],
    ['a line separator', { customer: 'a\u2028What to do: reset it' }],
    ['turned round', { customer: 'a\u202eb' }],
    ['a name with a blank', { 'the customer': 'Acme' }],
    ['a long text', { customer: 'x'.repeat(101) }],
    ['too much', Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`t${n}`, '\u4e00'.repeat(33)]))],
    ['too many', Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`t${n}`, 'x']))],
  ])('are not %s', (_, tags) => expect(labelsIn({ tags, expires: '2027-03-01' })).toMatchObject({ bad: 1 }));

  it('are those of each key, laid over the shared ones', () => {
    const text = JSON.stringify({
      expires: '2027-03-01',
      tags: { owner: 'shop' },
      connections: { oslo: { tags: { customer: 'Acme' } }, bergen: { expires: 'soon' } },
    });
    const content = connectionsIn(idOf('books'), text, 10);
    expect(content).toMatchObject({ ok: true, keys: 2, badLabels: 1 });
    if (!content.ok) return;
    expect(content.connections.get(idOf('books/oslo'))?.tags).toEqual({ customer: 'Acme' });
    expect(content.connections.get(idOf('books/bergen'))).toEqual({ tags: { owner: 'shop' } });
  });
});
