import type { ConnectionView } from '../lib/api/answers.ts';

/** A duration in at most two units: `45s`, `3m20s`, `7h05m`. */
export const shortDuration = (milliseconds: number): string => {
  const s = Math.max(0, Math.round(milliseconds / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${pad(s % 60)}s`;
  return `${Math.floor(s / 3600)}h${pad(Math.floor(s / 60) % 60)}m`;
};
const pad = (n: number): string => String(n).padStart(2, '0');

const BAR = 10;
const bar = (share: number): string => {
  const full = Math.ceil(Math.min(1, Math.max(0, share)) * BAR);
  return '█'.repeat(full) + '░'.repeat(BAR - full);
};

const columns = ['CONNECTION', 'STATUS', 'LIFE', 'LEFT', 'REFRESHED', 'NEXT', 'LAST ERROR'] as const;

const row = (view: ConnectionView, now: number): readonly string[] => {
  const at = (iso: string | null) => (iso === null ? undefined : Date.parse(iso));
  const [expiresAt, issuedAt] = [at(view.expiresAt), at(view.issuedAt)];
  const dueAt = Date.parse(view.dueAt);
  const isValid = expiresAt !== undefined && expiresAt > now;
  const share = isValid && issuedAt !== undefined ? (expiresAt - now) / (expiresAt - issuedAt) : 0;
  const fields = view.lastError?.fields?.length ? ` (${view.lastError.fields.join(', ')})` : '';
  return [
    view.connection,
    view.status,
    bar(share),
    isValid ? shortDuration(expiresAt - now) : '-',
    issuedAt === undefined ? 'never' : `${shortDuration(now - issuedAt)} ago`,
    dueAt <= now ? 'now' : `in ${shortDuration(dueAt - now)}`,
    view.lastError ? `${view.lastError.code}${fields}` : '',
  ];
};

/** Every connection with its remaining life and its last refresh. `now` in epoch milliseconds. */
export const table = (views: readonly ConnectionView[], now: number): string => {
  const rows = [columns, ...views.map(view => row(view, now))];
  const widths = columns.map((_, n) => Math.max(...rows.map(cells => (cells[n] ?? '').length)));
  return rows
    .map(cells =>
      cells
        .map((cell, n) => cell.padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
