import { describe, expect, it } from 'vitest';
import { transitionsOf } from '../lib/events.ts';
import type { RefreshReport } from '../lib/refresh/report.ts';
import { START } from './kit/records.ts';
import { ID } from './kit/vendor.ts';

describe('a change of state', () => {
  const report = (from: RefreshReport['from'], to: RefreshReport['to'], more: Partial<RefreshReport> = {}) => ({
    connection: ID,
    result: 'failed' as const,
    from,
    to,
    calls: 1,
    took: 5,
    warnings: [],
    ...more,
  });

  it('to the same state is not reported', () => {
    for (const state of ['healthy', 'failing', 'attention'] as const) {
      expect(transitionsOf(report(state, state), START)).toEqual([]);
    }
    expect(transitionsOf(report('new', 'new'), START)).toEqual([]);
  });

  it('of a new connection is reported once it has its first token', () => {
    expect(transitionsOf(report('new', 'healthy'), START)).toMatchObject([{ type: 'connected' }]);
  });

  it('that the store did not accept is not reported, since the next run will make it', () => {
    expect(transitionsOf(report('healthy', 'attention'), START)).toMatchObject([{ type: 'needs attention' }]);
    expect(transitionsOf(report('healthy', 'attention', { commitFailed: 'settle' }), START)).toEqual([]);
  });

  it('is reported with its class', () => {
    expect(transitionsOf(report('healthy', 'failing'), START)).toMatchObject([{ type: 'failing' }]);
    expect(transitionsOf(report('failing', 'healthy'), START)).toMatchObject([{ type: 'recovered' }]);
    expect(transitionsOf(report('attention', 'healthy'), START)).toMatchObject([{ type: 'recovered' }]);
  });
});
