import { decideDemand } from '../core/decide.ts';
import { isEnough, type Policy } from '../core/policy.ts';
import { type ConnectionId, type EpochMs, epochMs, plus, seconds, type Token } from '../core/types.ts';
import type { RefreshAnswer, RefreshRequest } from '../refresh/demand.ts';
import type { ApiDeps } from './deps.ts';
import { type HttpAnswer, jsonAnswer, problem } from './problem.ts';
import type { Route } from './route.ts';
import { retryAfter, unavailable, unknownConnection } from './unavailable.ts';
import { tokenView } from './views.ts';

/** The longest wait of a request, for its own refresh or another's: HTTP APIs answer within 30 s. */
const PATIENCE = seconds(24);
/** The longest wait if there is a valid token to return: the refresh continues without the request. */
const SHORT_PATIENCE = seconds(5);
/** Stop waiting this long before the token in hand expires. */
const LAST_MOMENT = seconds(1);
const POLL = 200;
/** The Retry-After if enough others wait already. */
const BUSY = seconds(2);

type Read = Extract<Route, { to: 'token' }>;
type Forced = Extract<Route, { to: 'refresh' }>;

/** Returns a token that is valid for `minTtl` if there is or can be one; otherwise any valid token. */
export const read = async (deps: ApiDeps, policy: Policy, { connection, minTtl }: Read): Promise<HttpAnswer> => {
  const [held, known] = await Promise.all([deps.tokens.get(connection), knownAs(deps, connection)]);
  if (known === 'ended' || (!held && known === 'unknown')) return unknownConnection(connection);
  return readFrom(deps, policy, { connection, minTtl }, held, known === 'known');
};

/**
 * For a consumer whose token the provider refused: returns the current token if it is another one, otherwise a newer
 * one.
 */
export const renew = async (deps: ApiDeps, policy: Policy, { connection, issuedAt }: Forced): Promise<HttpAnswer> => {
  const held = await deps.tokens.get(connection);
  const refused = held !== undefined && held.issuedAt === issuedAt && isValid(held, deps.clock.now());
  if (!refused) return readFrom(deps, policy, { connection, minTtl: 0 }, held);
  const isGood = (token: Token) => token.version !== held.version && isValid(token, deps.clock.now());
  const until = plus(deps.clock.now(), PATIENCE);
  return obtain(deps, policy, { kind: 'force', connection, issuedAt, waits: true }, { held, isGood, until });
};

const readFrom = async (
  deps: ApiDeps,
  policy: Policy,
  { connection, minTtl }: Pick<Read, 'connection' | 'minTtl'>,
  held: Token | undefined,
  isKnown = true,
): Promise<HttpAnswer> => {
  const now = deps.clock.now();
  const isGood = (token: Token) => isEnough(policy, token, minTtl, deps.clock.now());
  if (held && isKnown && isGood(held)) return found(deps, held);
  const valid = held && held.expiresAt - now > LAST_MOMENT ? held : undefined;
  const request: RefreshRequest = { kind: 'ifNeeded', connection, minTtl, waits: valid === undefined };
  return obtain(deps, policy, request, { held, isGood, until: patienceWith(valid, now) });
};

interface Wanted {
  /** The content of the table `Tokens` a moment ago. */
  readonly held: Token | undefined;
  readonly isGood: (token: Token) => boolean;
  /** How long to wait for a good token. */
  readonly until: EpochMs;
}

/** Refreshes the token, or waits for the worker that does. If that fails, a reader gets any valid token. */
const obtain = async (
  deps: ApiDeps,
  policy: Policy,
  request: RefreshRequest,
  { held, isGood, until }: Wanted,
): Promise<HttpAnswer> => {
  const { connection } = request;
  let token = held;
  let busy = false;
  // A second round after another worker's refresh: that worker may have crashed.
  for (let round = 1; round <= 2; round++) {
    const answer = await consult(deps, policy, request, { token, until });
    if (answer.result === 'unknown') return unknownConnection(connection);
    const reason = answer.result === 'waiting' ? answer.reason : undefined;
    if (reason === 'forced_recently' || reason === 'too_early') return tooManyRefreshes(deps, connection, answer);
    const waits = reason === 'leased' && request.waits;
    if (waits) await settled(deps, connection, until);
    token = await deps.tokens.get(connection);
    if (token && isGood(token)) return found(deps, token);
    busy = reason === 'busy';
    if (!waits) break;
  }
  if (request.kind === 'ifNeeded' && token && isValid(token, deps.clock.now())) return found(deps, token);
  if (busy) return inProgress(connection);
  return unavailable(deps, connection, request.kind === 'ifNeeded' ? 'no_valid_token' : 'refresh_failed');
};

/**
 * If the record cannot be read, a readable token is still served. A connection that has ended has no token, unless the
 * table `Tokens` was restored from a backup.
 */
const knownAs = ({ connections }: ApiDeps, connection: ConnectionId): Promise<'known' | 'unknown' | 'ended'> =>
  connections.get(connection).then(
    record => {
      if (!record) return 'unknown';
      return record.endedAt === undefined ? 'known' : 'ended';
    },
    () => 'known',
  );

/** Decides without the refresher if possible: only a refresh or a wait for one costs an invocation. */
const consult = async (
  deps: ApiDeps,
  policy: Policy,
  request: RefreshRequest,
  { token, until }: { readonly token: Token | undefined; readonly until: EpochMs },
): Promise<RefreshAnswer> => {
  const record = await deps.connections.get(request.connection);
  // The record was deleted by hand. The refresher checks the secret: if it exists, discovery adds the record again.
  if (!record) return token ? refreshed(deps, request, until) : { result: 'unknown' };
  const decision = decideDemand(record, token, deps.clock.now(), request, policy);
  if (decision.action === 'refresh' || (decision.reason === 'leased' && request.waits))
    return refreshed(deps, request, until);
  if (decision.reason === 'retired') return { result: 'retired' };
  return {
    result: 'waiting',
    reason: decision.reason,
    ...(decision.until !== undefined && { until: decision.until }),
  };
};

/** A refresher that does not answer in time counts as a failed refresh: a valid token is still served. */
const refreshed = async (deps: ApiDeps, request: RefreshRequest, until: EpochMs): Promise<RefreshAnswer> => {
  const answered = new AbortController();
  const { clock } = deps;
  const late = clock
    .sleep(Math.max(0, until - clock.now()), answered.signal)
    .then((): RefreshAnswer => ({ result: 'failed' }));
  try {
    return await Promise.race([deps.refresh(request), late]);
  } catch (error) {
    deps.refreshFailed(error);
    return { result: 'failed' };
  } finally {
    answered.abort();
  }
};

/** Waits until the worker that holds the lease has settled, at most until `until`. */
const settled = async ({ clock, connections }: ApiDeps, connection: ConnectionId, until: EpochMs): Promise<void> => {
  while (clock.now() < until) {
    await clock.sleep(POLL);
    const record = await connections.get(connection);
    if (record?.leaseUntil === undefined || record.leaseUntil <= clock.now()) return;
  }
};

const patienceWith = (valid: Token | undefined, now: EpochMs): EpochMs =>
  valid ? epochMs(Math.min(now + SHORT_PATIENCE, valid.expiresAt - LAST_MOMENT)) : plus(now, PATIENCE);

const isValid = (token: Token, now: EpochMs): boolean => token.expiresAt > now;

const found = ({ clock }: ApiDeps, token: Token): HttpAnswer => jsonAnswer(tokenView(token, clock.now()));

const tooManyRefreshes = ({ clock }: ApiDeps, connection: ConnectionId, { until }: { until?: EpochMs }): HttpAnswer => {
  const after = retryAfter(until, clock.now());
  return problem('too_many_refreshes', `Try again in ${after} s.`, { connection }, { 'retry-after': String(after) });
};

const inProgress = (connection: ConnectionId): HttpAnswer =>
  problem(
    'refresh_in_progress',
    'Enough others wait for the refresh that is in progress. Try again in a moment.',
    { connection },
    { 'retry-after': String(BUSY / 1000) },
  );
