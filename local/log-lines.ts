import { RefresherError } from '../lib/core/errors.ts';
import type { RefreshReport } from '../lib/refresh/report.ts';
import type { Told } from './laptop.ts';
import { refusalOfAws } from './refusal.ts';
import { shortDuration } from './table.ts';

/**
 * Writes the reports of the functions as lines for a person. `refusal` returns why the data folder takes no writes: one
 * line then replaces the lines for each connection and tick.
 */
export const toldAs = (say: (line: string) => void, refusal: () => string | undefined = () => undefined): Told => {
  let refused = false;
  const saysRefusal = (): boolean => {
    const why = refusal();
    if (why !== undefined && !refused) {
      say(
        `the data folder takes no writes: ${why}. Valid tokens are served; refreshes go on when it takes writes again`,
      );
    }
    refused ||= why !== undefined;
    return why !== undefined;
  };
  const saysRecovery = (): void => {
    if (!refused || refusal() !== undefined) return;
    refused = false;
    say('the data folder takes writes again');
  };
  const lines = linesAs(say);
  return {
    ...lines,
    refresh: report => {
      if (report.commitFailed !== undefined || report.error?.code === 'store_failed') saysRefusal();
      else saysRecovery();
      lines.refresh(report);
    },
    unclaimed: (connection, code) => {
      if (!saysRefusal()) lines.unclaimed(connection, code);
    },
    discovery: report => {
      if (report.failures.length > 0) saysRefusal();
      lines.discovery(report);
    },
    error: error => {
      if (!saysRefusal()) lines.error(error);
    },
  };
};

const linesAs = (say: (line: string) => void): Told => ({
  refresh: report => {
    if (report.result !== 'lost') say(`${report.connection}  ${sentence(report)}`);
  },
  unclaimed: (connection, code) => say(`${connection}  could not be claimed: ${code}`),
  retired: (connection, result) => {
    if (result === 'ended') say(`${connection}  ended: its secret is gone`);
  },
  outOfTime: left => say(`${left} connections are due, and the tick has no time left`),
  sweep: () => {},
  discovery: ({ added, changed, revived, retired, problems }) => {
    for (const [what, connections] of Object.entries({ added, changed, revived, retired })) {
      if (connections.length > 0) say(`discovered ${connections.length} ${what}: ${connections.join(', ')}`);
    }
    for (const { secret, code, count } of problems) say(`${secret}  ${code}${count ? ` (${count})` : ''}`);
  },
  error: error => {
    const refusal = refusalOfAws(error);
    say(refusal === undefined ? `internal error: ${wordsOf(error)}` : `AWS: ${refusal}`);
  },
});

/** Our own messages may be shown; other messages might quote secrets. */
const wordsOf = (error: unknown): string => {
  if (error instanceof RefresherError) return `${error.code}, ${error.message}`;
  return error instanceof Error ? error.name : typeof error;
};

const sentence = (report: RefreshReport): string => {
  const { result, error, issuedAt, expiresAt, warnings } = report;
  const status = error?.status === undefined ? '' : `, HTTP ${error.status}`;
  const fields = error?.fields?.length ? `: ${error.fields.join(', ')}` : '';
  const why = error ? ` (${error.code}${status}${fields})` : '';
  const lives = result === 'refreshed' && issuedAt !== undefined && expiresAt !== undefined;
  const warned = warnings.length > 0 ? `, ${warnings.join(', ')}` : '';
  return `${result}${why}${lives ? `, valid for ${shortDuration(expiresAt - issuedAt)}` : ''}${warned}`;
};
