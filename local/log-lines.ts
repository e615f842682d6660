import { RefresherError } from '../lib/core/errors.ts';
import type { RefreshReport } from '../lib/refresh/report.ts';
import type { LaptopLog } from './laptop.ts';
import { refusalOfAws } from './refusal.ts';
import { shortDuration } from './table.ts';

/**
 * Writes the reports of the functions as lines for a person. `refusal` returns why the data folder takes no writes: one
 * line then replaces the lines for each connection and tick.
 */
export const laptopLog = (
  print: (line: string) => void,
  refusal: () => string | undefined = () => undefined,
): LaptopLog => {
  let refused = false;
  const printsRefusal = (): boolean => {
    const why = refusal();
    if (why !== undefined && !refused) {
      print(
        `the data folder takes no writes: ${why}. Valid tokens are served; refreshes go on when it takes writes again`,
      );
    }
    refused ||= why !== undefined;
    return why !== undefined;
  };
  const printRecovery = (): void => {
    if (!refused || refusal() !== undefined) return;
    refused = false;
    print('the data folder takes writes again');
  };
  const lines = linesAs(print);
  return {
    ...lines,
    refresh: report => {
      if (report.commitFailed !== undefined || report.error?.code === 'store_failed') printsRefusal();
      else printRecovery();
      lines.refresh(report);
    },
    unclaimed: (connection, code) => {
      if (!printsRefusal()) lines.unclaimed(connection, code);
    },
    discovery: report => {
      if (report.failures.length > 0) printsRefusal();
      lines.discovery(report);
    },
    error: error => {
      if (!printsRefusal()) lines.error(error);
    },
  };
};

const linesAs = (print: (line: string) => void): LaptopLog => ({
  refresh: report => {
    if (report.result !== 'lost') print(`${report.connection}  ${sentence(report)}`);
  },
  unclaimed: (connection, code) => print(`${connection}  could not be claimed: ${code}`),
  retired: (connection, result) => {
    if (result === 'ended') print(`${connection}  ended: its secret is gone`);
  },
  outOfTime: left => print(`${left} connections are due, and the tick has no time left`),
  sweep: () => {},
  discovery: ({ added, changed, revived, retired, problems }) => {
    for (const [what, connections] of Object.entries({ added, changed, revived, retired })) {
      if (connections.length > 0) print(`discovered ${connections.length} ${what}: ${connections.join(', ')}`);
    }
    for (const { secret, code, count } of problems) print(`${secret}  ${code}${count ? ` (${count})` : ''}`);
  },
  error: error => {
    const refusal = refusalOfAws(error);
    print(refusal === undefined ? `internal error: ${wordsOf(error)}` : `AWS: ${refusal}`);
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
  const isNew = result === 'refreshed' && issuedAt !== undefined && expiresAt !== undefined;
  const warned = warnings.length > 0 ? `, ${warnings.join(', ')}` : '';
  return `${result}${why}${isNew ? `, valid for ${shortDuration(expiresAt - issuedAt)}` : ''}${warned}`;
};
