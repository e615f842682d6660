import { type Health, judge, type Paces } from '../core/health.ts';
import { deliveryOf, type News, newsOf } from '../core/news.ts';
import type { EpochMs, Listed } from '../core/types.ts';
import { allRecords, type DiscoverDeps, type DiscoverReport, discover } from './discover.ts';
import { pool } from './pool.ts';

/** Takes news, judged at a time, to people: one call, one mail. Throws if the mail is not taken. */
export type SendNews = (news: readonly News[], how: 'singly' | 'summary', at: EpochMs) => Promise<void>;

export interface WatchObserver {
  /** Comes first: what was seen is known even if all that follows fails. */
  health(health: Health): void;
  /** People could not be told: it is tried again in a minute. */
  newsFailed(error: unknown): void;
}

export interface WatchDeps extends DiscoverDeps {
  readonly paces: Paces;
  readonly sendNews: SendNews;
  readonly observer: WatchObserver;
}

const CONCURRENCY = 10;

/** One look at everything: judges all connections, reports what is new, makes the connections match the secrets. */
export const watch = async (deps: WatchDeps): Promise<DiscoverReport> => {
  const records = await allRecords(deps);
  const all = [...records.values()];
  deps.observer.health(judge(all, deps.paces, deps.clock.now()));
  await report(deps, all).catch(deps.observer.newsFailed);
  return discover(deps, records);
};

/**
 * First the mail and then the note: a watch that dies in between reports twice, and never not at all. A mail that is not taken
 * stops no other.
 */
const report = async (deps: WatchDeps, all: readonly Listed[]): Promise<void> => {
  const { clock, connections, paces, sendNews, observer } = deps;
  const at = clock.now();
  const news = newsOf(all, paces, at);
  const delivery = news.length > 0 ? deliveryOf(news, all, at) : 'later';
  if (delivery === 'later') return;
  const note = ({ record, troubles }: News) => connections.noteReported(record.connection, { at, troubles });
  if (delivery === 'summary') {
    await sendNews(news, 'summary', at);
    await pool(news, CONCURRENCY, note);
    return;
  }
  for (const each of news) {
    const reported = sendNews([each], 'singly', at).then(() => note(each));
    await reported.catch(observer.newsFailed);
  }
};
