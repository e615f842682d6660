import { type Delivery, type News, QUIET } from '../../lib/core/news.ts';
import type { ConnectionId, EpochMs } from '../../lib/core/types.ts';

/** The received mails of the watch. */
export class Mailbox {
  readonly mails: {
    readonly at: EpochMs;
    readonly connections: ReadonlySet<ConnectionId>;
    readonly isSummary: boolean;
  }[] = [];

  add(news: readonly News[], how: Delivery['how'], at: EpochMs): void {
    const connections = new Set(news.map(({ record }) => record.connection));
    this.mails.push({ at, connections, isSummary: how === 'summary' });
  }

  /** Whether a mail reported a connection between the two times, or a storm that may include it. */
  reported(connection: ConnectionId, from: EpochMs, to: EpochMs): boolean {
    return this.mails.some(
      ({ at, connections, isSummary }) =>
        at <= to && ((at >= from && connections.has(connection)) || (isSummary && at >= from - QUIET)),
    );
  }
}
