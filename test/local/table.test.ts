import { describe, expect, it, vi } from 'vitest';
import type { ConnectionView } from '../../lib/api/answers.ts';
import { connectionView } from '../../lib/api/views.ts';
import { RefresherError } from '../../lib/core/errors.ts';
import { epochMs } from '../../lib/core/types.ts';
import { laptopLog } from '../../local/log-lines.ts';
import { runTicks } from '../../local/schedule.ts';
import { shortDuration, table } from '../../local/table.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';

const MINUTE = 60_000;
const viewOf = (name: string, change: Parameters<typeof connectionOf>[1]): ConnectionView =>
  connectionView(connectionOf(idOf(name), change), START);

describe('a duration', () => {
  it.each([
    [0, '0s'],
    [-5000, '0s'],
    [499, '0s'],
    [59_499, '59s'],
    [59_500, '1m00s'],
    [200_000, '3m20s'],
    [3_599_499, '59m59s'],
    [3_599_500, '1h00m'],
    [7 * 3_600_000 + 5 * MINUTE, '7h05m'],
    [30 * 3_600_000, '30h00m'],
  ])('of %i ms is %s', (milliseconds, text) => expect(shortDuration(milliseconds)).toBe(text));
});

describe('the table', () => {
  const healthy = viewOf('healthy', {
    status: 'healthy',
    issuedAt: epochMs(START - 5 * MINUTE),
    expiresAt: epochMs(START + 5 * MINUTE),
    dueAt: epochMs(START + 30_000),
  });
  const failing = viewOf('failing', {
    status: 'failing',
    issuedAt: epochMs(START - 20 * MINUTE),
    expiresAt: epochMs(START - MINUTE),
    dueAt: START,
    lastError: { code: 'provider_error', at: START, since: START, times: 1 },
  });
  const stuck = viewOf('stuck', {
    status: 'attention',
    dueAt: START,
    lastError: { code: 'secret_invalid', at: START, since: START, times: 1, fields: ['login', 'password'] },
  });

  it('shows what is left of each life, its last refresh and its next, and what is wrong', () => {
    expect(table([healthy, failing, stuck], START).split('\n')).toEqual([
      'CONNECTION             STATUS     LIFE        LEFT   REFRESHED   NEXT    LAST ERROR',
      'test-provider/healthy  healthy    █████░░░░░  5m00s  5m00s ago   in 30s',
      'test-provider/failing  failing    ░░░░░░░░░░  -      20m00s ago  now     provider_error',
      'test-provider/stuck    attention  ░░░░░░░░░░  -      never       now     secret_invalid (login, password)',
    ]);
  });

  it('has only headings if there are no connections', () => {
    expect(table([], START)).toMatch(/^CONNECTION {2}STATUS {2}LIFE .*LAST ERROR$/);
  });
});

describe('the ticks', () => {
  it('come at their own pace, none while the one before still runs, and none after the end', async () => {
    vi.useFakeTimers();
    try {
      const ends: (() => void)[] = [];
      const slow = vi.fn(() => new Promise<void>(resolve => ends.push(resolve)));
      const quick = vi.fn(async () => {});
      const ticks = runTicks(
        [
          { every: 100, run: slow },
          { every: 50, run: quick },
        ],
        () => {},
      );
      await vi.advanceTimersByTimeAsync(499);
      expect([slow.mock.calls.length, quick.mock.calls.length]).toEqual([1, 9]);
      ends[0]?.();
      await vi.advanceTimersByTimeAsync(1);
      expect(slow).toHaveBeenCalledTimes(2);
      let closed = false;
      const closing = ticks.close().then(() => {
        closed = true;
      });
      await vi.advanceTimersByTimeAsync(1000);
      expect(closed).toBe(false);
      ends[1]?.();
      await closing;
      expect(slow).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('that fail are reported, and do not end the next ones', async () => {
    vi.useFakeTimers();
    try {
      const failure = new Error('made up');
      const onError = vi.fn();
      const ticks = runTicks([{ every: 10, run: () => Promise.reject(failure) }], onError);
      await vi.advanceTimersByTimeAsync(35);
      expect(onError.mock.calls).toEqual([[failure], [failure], [failure]]);
      await ticks.close();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the lines at the terminal', () => {
  const lines: string[] = [];
  const log = laptopLog(line => lines.push(line));
  const printed = (write: () => void): string => {
    lines.length = 0;
    write();
    return lines.join('\n');
  };
  const report = { connection: idOf('acme'), from: 'healthy', to: 'healthy', calls: 1, took: 5, warnings: [] } as const;

  it('is a refresh with its life, or its failure with code and status', () => {
    const refreshed = { ...report, result: 'refreshed', issuedAt: START, expiresAt: epochMs(START + MINUTE) } as const;
    expect(printed(() => log.refresh(refreshed))).toBe('test-provider/acme  refreshed, valid for 1m00s');
    const error = { code: 'provider_error', status: 503 } as const;
    expect(printed(() => log.refresh({ ...report, result: 'failed', error }))).toBe(
      'test-provider/acme  failed (provider_error, HTTP 503)',
    );
    expect(printed(() => log.refresh({ ...report, result: 'lost' }))).toBe('');
  });

  it('is what our own errors say, and of others no word: they may quote what they were about', () => {
    expect(printed(() => log.error(new RefresherError('store_failed', 'could not read')))).toContain('could not read');
    const foreign = new SyntaxError('Unexpected token: "planted-token" is not valid JSON');
    expect(printed(() => log.error(foreign))).toMatch(/^internal error: SyntaxError$/);
    expect(printed(() => log.error('planted-token'))).not.toContain('planted');
  });

  it('is what AWS refused, by the class of its answer', () => {
    const denied = Object.assign(new Error('planted-token'), { name: 'AccessDeniedException', $fault: 'client' });
    expect(printed(() => log.error(denied))).toBe('AWS: AccessDeniedException');
  });

  it('is one line if the data folder takes no writes, and one if it takes them again', () => {
    let refusal: string | undefined;
    const patient = laptopLog(
      line => lines.push(line),
      () => refusal,
    );
    const refreshed = { ...report, result: 'refreshed' } as const;
    const failed = { ...report, result: 'failed', error: { code: 'store_failed' } } as const;
    const once = () => {
      patient.unclaimed(idOf('acme'), 'store_failed');
      patient.error(new RefresherError('store_failed', 'could not read'));
      patient.unclaimed(idOf('other'), 'store_failed');
    };
    refusal = 'no space left on device';
    expect(printed(once)).toMatch(/^the data folder takes no writes: no space left on device\. .*$/);
    expect(printed(once)).toBe('');
    // Reported while the disk is still full: nothing new.
    expect(printed(() => patient.refresh(failed))).toBe('test-provider/acme  failed (store_failed)');
    expect(printed(() => patient.refresh(refreshed))).toBe('test-provider/acme  refreshed');
    refusal = undefined;
    expect(printed(() => patient.refresh(refreshed))).toBe(
      'the data folder takes writes again\ntest-provider/acme  refreshed',
    );
    expect(printed(() => patient.refresh(refreshed))).toBe('test-provider/acme  refreshed');
    expect(printed(once).split('\n')).toHaveLength(3);
  });
});
