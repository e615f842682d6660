import { type Delivery, type News, QUIET } from '../../lib/core/news.ts';
import type { ConnectionId, EpochMs } from '../../lib/core/types.ts';

/** The mails of the watch, as people get them. */
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

  /** Whether people heard of a connection between the two, or of a storm that the connection may be a part of. */
  told(connection: ConnectionId, from: EpochMs, to: EpochMs): boolean {
    return this.mails.some(
      ({ at, connections, isSummary }) =>
        at <= to && ((at >= from && connections.has(connection)) || (isSummary && at >= from - QUIET)),
    );
  }
}
