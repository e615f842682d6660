import { type Health, judge, type Paces } from '../core/health.ts';
import { type Delivery, deliveryOf, expiriesOf, type News, newsOf } from '../core/news.ts';
import type { EpochMs, Listed, Reported } from '../core/types.ts';
import { expiries, type Transition } from '../events.ts';
import { pool } from '../pool.ts';
import { allRecords, type DiscoverDeps, type DiscoverReport, discover } from './discover.ts';

/** Sends one mail about news that was judged at a given time. Throws if the mail is not accepted. */
export type SendMail = (news: readonly News[], how: Delivery['how'], at: EpochMs) => Promise<void>;

export interface WatchObserver {
  /** Called first: the health is reported even if everything after it fails. */
  health(health: Health): void;
  /** A mail or an event was not accepted: the watch tries it again in a minute. */
  newsFailed(error: unknown): void;
}

export interface WatchDeps extends DiscoverDeps {
  readonly paces: Paces;
  /** Puts events on the bus. Throws if it does not accept them all. */
  readonly publish: (events: readonly Transition[]) => Promise<void>;
  readonly sendMail: SendMail;
  readonly observer: WatchObserver;
}

const CONCURRENCY = 10;

/** One run of the watch: judges all connections, reports what is new, makes the connections match the secrets. */
export const watch = async (deps: WatchDeps): Promise<DiscoverReport> => {
  const records = await allRecords(deps);
  const all = [...records.values()];
  deps.observer.health(judge(all, deps.paces, deps.clock.now()));
  await sendMails(deps, await publishExpiries(deps, all));
  return discover(deps, records);
};

/** Returns the updated records. Publishes events before it notes them: after a crash in between it publishes twice. */
const publishExpiries = async (deps: WatchDeps, all: readonly Listed[]): Promise<readonly Listed[]> => {
  const { clock, connections, publish, observer } = deps;
  const at = clock.now();
  const news = expiriesOf(all, at);
  if (news.length === 0) return all;
  const noted = new Map(news.map(({ record, troubles }) => [record.connection, publishedOf(record, troubles)]));
  try {
    await publish(expiries(news, at));
    await pool([...noted], CONCURRENCY, ([connection, reported]) => connections.noteReported(connection, reported));
  } catch (error) {
    observer.newsFailed(error);
    return all;
  }
  return all.map(record => ({ ...record, ...also(noted.get(record.connection)) }));
};

const publishedOf = ({ reported }: Listed, published: readonly string[]): Reported => ({
  ...{ troubles: [], ...reported },
  published,
});
const also = (reported: Reported | undefined) => reported && { reported };

/**
 * Sends mails before it notes them: after a crash in between the watch reports twice, but it never loses a report. A
 * mail that fails does not stop the others.
 */
const sendMails = async (deps: WatchDeps, all: readonly Listed[]): Promise<void> => {
  const { clock, connections, paces, sendMail, observer } = deps;
  const at = clock.now();
  const { how, news } = deliveryOf(newsOf(all, paces, at), all, at);
  const mails = how === 'singly' ? news.map(each => [each]) : [news];
  const note = ({ record, troubles }: News) =>
    connections.noteReported(record.connection, { ...record.reported, at, troubles });
  for (const mail of mails.filter(each => each.length > 0)) {
    const reported = sendMail(mail, how, at).then(() => pool(mail, CONCURRENCY, note));
    await reported.catch(observer.newsFailed);
  }
};
