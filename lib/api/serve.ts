import { attainable } from '../core/policy.ts';
import { allShards } from '../core/shard.ts';
import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  type Milliseconds,
  plus,
  providerOf,
  seconds,
  type Token,
} from '../core/types.ts';
import type { Answer, Ask } from '../shell/demand.ts';
import type { Clock, ConnectionStore, TokenStore } from '../shell/ports.ts';
import { type HttpAnswer, json, type ProblemCode, problem } from './problem.ts';
import { type HttpQuestion, type Route, route } from './route.ts';
import { connectionView, tokenView } from './views.ts';

export interface ApiDeps {
  readonly clock: Clock;
  readonly tokens: TokenStore;
  readonly connections: ConnectionStore;
  /** Ids of the providers that are deployed. */
  readonly providers: readonly string[];
  /** Has the provider's refresher act on one connection. */
  readonly ask: (ask: Ask) => Promise<Answer>;
  readonly askFailed: (error: unknown) => void;
}

/** A reader waits so long in all for a refresh, its own or another's: HTTP APIs answer within 30 s. */
const PATIENCE = seconds(25);
const POLL = 200;
/** And no longer than until so short a time before the token that it could have had dies. */
const LAST_MOMENT = seconds(1);

export const serve = async (deps: ApiDeps, question: HttpQuestion): Promise<HttpAnswer> => {
  const found = route(question);
  if ('status' in found) return found;
  switch (found.to) {
    case 'connections':
      return list(deps);
    case 'token':
      return known(deps, found, () => token(deps, found));
    case 'refresh':
      return known(deps, found, () => refresh(deps, found.connection));
  }
};

const known = (deps: ApiDeps, { connection }: { connection: ConnectionId }, then: () => Promise<HttpAnswer>) =>
  deps.providers.includes(providerOf(connection)) ? then() : Promise.resolve(unknownConnection(connection));

const list = async ({ clock, connections, providers }: ApiDeps): Promise<HttpAnswer> => {
  const shards = providers.flatMap(provider => allShards.map(shard => connections.list(provider, shard)));
  const all = (await Promise.all(shards)).flat().filter(each => each.retiredAt === undefined);
  const now = clock.now();
  const sorted = all.toSorted((a, b) => (a.connection < b.connection ? -1 : 1));
  return json({ connections: sorted.map(each => connectionView(each, now)) });
};

/** A token with `minTtl` of life where that is to be had; otherwise any that lives. */
const token = async (deps: ApiDeps, { connection, minTtl }: Extract<Route, { to: 'token' }>): Promise<HttpAnswer> => {
  let held = await deps.tokens.get(connection);
  const until = patienceWith(held, deps.clock.now());
  // A second round for the reader who waited for somebody else's refresh, and who may have waited for a dead worker's.
  for (let round = 1; round <= 2 && !(held && enough(held, minTtl, deps.clock.now())); round++) {
    const answer = await asked(deps, { kind: 'read', connection, minTtl }, until);
    if (answer.result === 'unknown' || answer.result === 'retired') return unknownConnection(connection);
    if (isLeased(answer)) await settled(deps, connection, until);
    held = await deps.tokens.get(connection);
    if (!isLeased(answer)) break;
  }
  return held && alive(held, deps.clock.now()) ? found(deps, held) : unavailable(deps, connection, 'no_living_token');
};

/** A new token for a consumer whom the provider refused the one it had. */
const refresh = async (deps: ApiDeps, connection: ConnectionId): Promise<HttpAnswer> => {
  const before = await deps.tokens.get(connection);
  const until = plus(deps.clock.now(), PATIENCE);
  const answer = await asked(deps, { kind: 'forced', connection }, until);
  if (answer.result === 'unknown' || answer.result === 'retired') return unknownConnection(connection);
  if (answer.result === 'waiting' && answer.reason === 'forced_recently') {
    const after = retryAfter(answer.until, deps.clock.now());
    return problem('too_many_refreshes', `Try again in ${after} s.`, { connection }, { 'retry-after': String(after) });
  }
  if (isLeased(answer)) await settled(deps, connection, until);
  const now = await deps.tokens.get(connection);
  // Whoever held it may have published just before we looked, and settled since: that is a new token too.
  const theirs = isLeased(answer) && now && (await publishedByLast(deps, now));
  const renewed = now && (theirs || now.version !== before?.version) && alive(now, deps.clock.now());
  return renewed ? found(deps, now) : unavailable(deps, connection, 'refresh_failed');
};

/** A refresher that can't be reached, or takes too long, is a refresh that failed: what lives is served all the same. */
const asked = async (deps: ApiDeps, ask: Ask, until: EpochMs): Promise<Answer> => {
  const answered = new AbortController();
  const { clock } = deps;
  const late = clock
    .sleep(Math.max(0, until - clock.now()), answered.signal)
    .then((): Answer => ({ result: 'failed' }));
  try {
    return await Promise.race([deps.ask(ask), late]);
  } catch (error) {
    deps.askFailed(error);
    return { result: 'failed' };
  } finally {
    answered.abort();
  }
};

const publishedByLast = async ({ connections }: ApiDeps, held: Token): Promise<boolean> => {
  const record = await connections.get(held.connection);
  return record?.version === held.version && record.leaseUntil === undefined;
};

const isLeased = (answer: Answer): boolean => answer.result === 'waiting' && answer.reason === 'leased';

const patienceWith = (held: Token | undefined, now: EpochMs): EpochMs => {
  const patience = plus(now, PATIENCE);
  const last = held ? plus(held.expiresAt, -LAST_MOMENT) : now;
  return last > now && last < patience ? last : patience;
};

/** Waits until whoever holds the connection is done with it, but not beyond `until`. */
const settled = async ({ clock, connections }: ApiDeps, connection: ConnectionId, until: EpochMs): Promise<void> => {
  while (clock.now() < until) {
    await clock.sleep(POLL);
    const record = await connections.get(connection);
    if (record?.leaseUntil === undefined || record.leaseUntil <= clock.now()) return;
  }
};

const alive = (held: Token, now: EpochMs): boolean => held.expiresAt > now;
const enough = (held: Token, minTtl: Milliseconds, now: EpochMs): boolean =>
  alive(held, now) && held.expiresAt - now >= attainable(minTtl, held.expiresAt - held.issuedAt);

const found = ({ clock }: ApiDeps, held: Token): HttpAnswer => json(tokenView(held, clock.now()));

const unknownConnection = (connection: ConnectionId): HttpAnswer =>
  problem('unknown_connection', 'No secret of that name has been discovered.', { connection });

/** Says since when and why, in codes: the words of a provider stay where they were said. */
const unavailable = async (
  deps: ApiDeps,
  connection: ConnectionId,
  code: Extract<ProblemCode, 'no_living_token' | 'refresh_failed'>,
): Promise<HttpAnswer> => {
  const record = await deps.connections.get(connection);
  if (!record || record.retiredAt !== undefined) return unknownConnection(connection);
  const since = sinceOf(record, code, deps.clock.now());
  const detail =
    record.status === 'attention'
      ? 'The provider or the secret refuses: somebody has to correct the secret.'
      : 'It is tried again by itself.';
  return problem(
    code,
    detail,
    {
      connection,
      reason: record.lastError?.code ?? 'not_refreshed_yet',
      since: new Date(since).toISOString(),
    },
    { 'retry-after': String(retryAfter(record.dueAt, deps.clock.now())) },
  );
};

/** When the trouble began: the token's death where it died by itself, else the first failure, else when it was due. */
const sinceOf = (record: Connection, code: ProblemCode, now: EpochMs): EpochMs => {
  const { expiresAt, failingSince, lastError, dueAt } = record;
  if (code === 'no_living_token' && expiresAt !== undefined && expiresAt <= now) return expiresAt;
  return failingSince ?? lastError?.at ?? (dueAt < now ? dueAt : now);
};

/** Whole seconds, from 1 to an hour: a hint, not an appointment. */
const retryAfter = (until: EpochMs | undefined, now: EpochMs): number =>
  Math.min(3600, Math.max(1, Math.ceil(((until ?? now) - now) / 1000)));
