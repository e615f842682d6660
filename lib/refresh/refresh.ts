import { type ErrorCode, framesOf } from '../core/errors.ts';
import type { Labels } from '../core/labels.ts';
import { isTooShort } from '../core/lifetime.ts';
import type { Provider, Warning } from '../core/provider.ts';
import {
  type Settlement,
  sessionAfter,
  settleFailed,
  settleGranted,
  settleLost,
  settlePostponed,
  settleUnchanged,
  type Trouble,
  tokenOf,
} from '../core/settle.ts';
import type {
  Connection,
  ConnectionId,
  EpochMs,
  Listed,
  Milliseconds,
  Session,
  SessionNote,
  Status,
  Version,
} from '../core/types.ts';
import { nextVersion, plus, seconds } from '../core/types.ts';
import type { ConnectionStore, TokenStore } from '../ports.ts';
import { endLate } from './end.ts';
import { obtain } from './obtain.ts';
import { type Cause, type ObtainDeps, type Obtained, Run, triedWith } from './run.ts';

export interface RefreshDeps extends ObtainDeps {
  readonly tokens: TokenStore;
  readonly connections: ConnectionStore;
  /** In [0, 1): spreads retries. */
  readonly random: () => number;
  readonly claimId: () => string;
}

export type Result =
  /** A new token is published. */
  | 'refreshed'
  /** Someone else had claimed it, or has claimed it since: theirs counts. */
  | 'lost'
  /** The provider's budget is used up. */
  | 'postponed'
  /** The secret has changed, but nothing of this connection: no call. */
  | 'unchanged'
  /** To be tried again by itself. */
  | 'failed'
  /** A person has to act. */
  | 'attention'
  /** The secret went away in the meantime. */
  | 'retired';

/** One run, told in codes and numbers only: this is what logs and metrics are made of. */
export interface RefreshReport {
  readonly connection: ConnectionId;
  readonly result: Result;
  readonly from: Status;
  readonly to: Status;
  /** Calls of the provider. */
  readonly calls: number;
  readonly took: Milliseconds;
  readonly version?: Version;
  readonly issuedAt?: EpochMs;
  readonly expiresAt?: EpochMs;
  readonly dueAt?: EpochMs;
  readonly error?: { readonly code: ErrorCode; readonly status?: number; readonly fields?: readonly string[] };
  /** The rate limit that has no slot in time. */
  readonly exhausted?: string;
  /** The token comes from another origin than the one before it, or consumers are sent to another one. */
  readonly originChanged?: { readonly from: string; readonly to: string };
  /** Where an exception came from: its class and frames, without its words. */
  readonly bug?: readonly string[];
  /** Of the secret. */
  readonly tags?: Labels['tags'];
  readonly warnings: readonly Warning[];
  /** The tables did not agree: one of them was restored to an earlier state. */
  readonly repaired?: true;
  /** A refresh token was sent that may have been spent: the provider may have ended the published token for it. */
  readonly replayed?: true;
  /** An operator insisted on a login that had been refused: one more wrong try may lock the account. */
  readonly overruled?: true;
  /** A write after the grant that the store did not take. */
  readonly commitFailed?: 'keep' | 'publish' | 'settle';
}

/**
 * The protocol of one refresh. Its order is what makes it safe to die anywhere:
 *
 *     claim    version+1, due again when the lease ends; proves that the table takes writes before a token is spent
 *     grant    ask the provider
 *     keep     the new refresh token, before anything else, since the old one is spent
 *     publish  the token, unless a newer version is there
 *     settle   due at the next renewal
 *
 * A failure anywhere leaves the published token as it was.
 */
export const refreshConnection = async (
  deps: RefreshDeps,
  provider: Provider,
  listed: Listed,
  cause: Cause,
): Promise<RefreshReport> => {
  const startedAt = deps.clock.now();
  const claimed = await deps.connections.claim(listed, {
    id: deps.claimId(),
    leaseUntil: plus(startedAt, deps.policy.lease),
    ...(cause === 'forced' && { forcedAt: startedAt }),
  });
  if (!claimed) return reportOf(listed, 'lost', {}, deps.clock.now() - startedAt);
  const commit = new Commit(deps, provider, listed, cause === 'missing' ? withoutToken(claimed) : claimed, startedAt);
  const run = new Run(deps, provider, commit.seen, cause, startedAt);
  const report = await committed(commit, run);
  return run.overruled ? { ...report, overruled: true } : report;
};

const committed = async (commit: Commit, run: Run): Promise<RefreshReport> => {
  try {
    const obtained = await obtain(run);
    switch (obtained.kind) {
      case 'granted': {
        const report = await commit.granted(obtained, run);
        // Otherwise the login waits a little longer.
        if (obtained.grant.kind === 'refresh') await run.releaseLogin(obtained.credentials).catch(() => {});
        return report;
      }
      case 'unchanged':
        return await commit.unchanged(obtained);
      case 'postponed':
        return await commit.postponed(obtained);
      case 'failed':
        return await commit.failed(obtained, run);
    }
  } catch (error) {
    // Settled like any failure, with backoff: otherwise it would log in again whenever the lease ends.
    return commit.failed(run.broken(), run, { bug: framesOf(error) });
  }
};

type Extra = Partial<Omit<RefreshReport, 'connection' | 'result' | 'from' | 'took'>>;
type Granted = Extract<Obtained, { kind: 'granted' }>;
type Failed = Extract<Obtained, { kind: 'failed' }>;
type Postponed = Extract<Obtained, { kind: 'postponed' }>;
type Unchanged = Extract<Obtained, { kind: 'unchanged' }>;

/** What the last writes of a run need before its lease ends. */
const LAST_WRITES = seconds(3);

class Commit {
  readonly #deps: RefreshDeps;
  readonly #provider: Provider;
  readonly #startedAt: EpochMs;
  /** The record as the claim found it: the fresh content, with the due time and the lease it had before. */
  readonly seen: Connection;
  #mine: Version;
  /** The version of the session that this run has stored. */
  #keptAs: Version | undefined;
  #repaired = false;

  constructor(deps: RefreshDeps, provider: Provider, listed: Listed, claimed: Connection, startedAt: EpochMs) {
    this.#deps = deps;
    this.#provider = provider;
    this.#startedAt = startedAt;
    const { leaseUntil: _, ...content } = claimed;
    const { leaseUntil, dueAt } = listed;
    this.seen = { ...content, dueAt, ...(leaseUntil !== undefined && { leaseUntil }) };
    this.#mine = content.version;
  }

  async granted({ granted, grant, credentials, calls }: Granted, run: Run): Promise<RefreshReport> {
    const { tokens, policy } = this.#deps;
    const { seen } = this;
    const { account, binding } = credentials;
    const isShort = isTooShort(granted, policy.tick);
    const told: Extra = { calls, warnings: [...granted.warnings, ...(isShort ? (['lifetime_short'] as const) : [])] };
    const held = run.held?.session;
    const issuer = { base: account.base, binding };
    const session = sessionAfter(seen, held, grant, granted, this.#provider, issuer);
    const changed = session !== held;

    let kept = changed ? await this.#asMine(() => this.#keep(session)) : true;
    if (kept === false) return this.#outrun(told);

    const publish = () => written(tokens.publish(tokenOf(seen.connection, granted, this.#mine)));
    const published = await this.#asMine(async () => {
      // A version that was raised: the session is to be as new as the token.
      if (this.#keptAs !== undefined && this.#keptAs < this.#mine) await this.#keep(session);
      return publish();
    });
    if (published === false) return this.#outrun(told);
    const onlyCopy = account.oneTimeCode !== undefined && session !== undefined;
    if (kept === 'failed') kept = onlyCopy ? await this.#keepAtLast(session) : await this.#keep(session);
    if (kept === false) return this.#outrun(told);
    // Noted under my version if it could not be kept: then the item that is there is older, and is not used.
    const version = changed ? (this.#keptAs ?? this.#mine) : (run.held?.version ?? this.#mine);
    const { foreign } = run;
    const left = noteOf(session, version) ?? foreign;
    const isForeign = foreign !== undefined && left === foreign;
    const used = { tried: triedWith(credentials), account, session: left, isForeign };
    const settled = settleGranted(policy, seen, granted, used);
    if (published === 'failed') {
      const { expiresAt: _, issuedAt: __, base: ___, apiOrigin: ____, session: note, ...rest } = settled;
      const left = { session: note, isForeign, forgetSession: false, calls };
      const failed: Failed = { kind: 'failed', trouble: storeFailed, ...left };
      return this.failed(failed, run, { commitFailed: 'publish' }, { ...seen, ...rest, failures: seen.failures });
    }
    const originChanged = originChange(seen, settled);
    const isLost = onlyCopy && kept === 'failed';
    const settlement = isLost ? settleLost(settled, seen, this.#deps.clock.now()) : settled;
    return this.#settle('refreshed', settlement, {
      ...told,
      ...(isLost && { error: { code: storeFailed.code } }),
      ...(originChanged && { originChanged }),
      ...(kept !== true && { commitFailed: 'keep' }),
    });
  }

  async failed(failed: Failed, run: Run, extra: Extra = {}, before: Connection = this.seen): Promise<RefreshReport> {
    const { policy, clock, random } = this.#deps;
    const { trouble, calls } = failed;
    if (failed.forgetSession && (await this.#asMine(() => this.#keep(undefined))) === false)
      return this.#outrun({ calls });
    const { cause, replayed } = run;
    const mayHaveEnded = cause === 'forced' || (cause === 'operator' && replayed);
    const seen = mayHaveEnded && trouble.kind === 'refused' ? await this.#withdrawn(before) : before;
    const settlement = settleFailed(policy, this.#provider, seen, trouble, failed, clock.now(), random());
    const { code, fields } = trouble;
    const status = 'status' in trouble ? trouble.status : undefined;
    const bug = 'bug' in trouble ? { bug: trouble.bug } : {};
    const error = { code, ...(status !== undefined && { status }), ...(fields && { fields }) };
    const result = settlement.status === 'attention' ? 'attention' : 'failed';
    return this.#settle(result, settlement, { calls, error, ...bug, ...(replayed && { replayed }), ...extra });
  }

  async postponed(postponed: Postponed): Promise<RefreshReport> {
    const { calls, forgetSession, exhausted } = postponed;
    if (forgetSession && (await this.#keep(undefined)) === false) return this.#outrun({ calls });
    return this.#settle('postponed', settlePostponed(this.seen, postponed, postponed, this.#deps.clock.now()), {
      calls,
      ...(exhausted !== undefined && { exhausted }),
    });
  }

  unchanged(unchanged: Unchanged): Promise<RefreshReport> {
    return this.#settle('unchanged', settleUnchanged(this.seen, unchanged), {});
  }

  /**
   * The provider has ended the only session, and a consumer says that it refuses the token too; or an operator had the
   * refresh token sent twice, which may have ended it: nobody is to get it.
   */
  async #withdrawn(seen: Connection): Promise<Connection> {
    if (seen.redeemedCode === undefined) return seen;
    const done = await written(this.#deps.tokens.withdraw(seen.connection, this.#mine).then(() => true));
    if (done !== true) return seen;
    return withoutToken(seen);
  }

  /**
   * A conditional write, repeated under a higher version if a newer one is there although the connection is mine: its
   * record was restored to an earlier state.
   */
  async #asMine(write: () => Promise<boolean | 'failed'>): Promise<boolean | 'failed'> {
    const done = await write();
    return done === false && (await this.#raise().catch(() => false)) ? write() : done;
  }

  async #raise(): Promise<boolean> {
    const { tokens, sessions, connections } = this.#deps;
    const { connection } = this.seen;
    const there = [await tokens.get(connection), await sessions.get(connection)];
    const to = nextVersion(Math.max(...there.map(each => each?.version ?? 0)));
    if (to <= this.#mine || !(await connections.raise(connection, this.#mine, to))) return false;
    this.#mine = to;
    this.#repaired = true;
    return true;
  }

  /** Nobody else has this refresh token: tried until the lease ends. */
  async #keepAtLast(session: Session): Promise<boolean | 'failed'> {
    const { clock, policy } = this.#deps;
    const end = plus(this.#startedAt, policy.lease - LAST_WRITES);
    let kept = await this.#keep(session);
    for (let pause = seconds(1); kept === 'failed' && plus(clock.now(), pause) < end; pause *= 2) {
      await clock.sleep(pause);
      kept = await this.#keep(session);
    }
    return kept;
  }

  async #keep(session: Session | undefined): Promise<boolean | 'failed'> {
    const kept = await written(this.#deps.sessions.keep(this.seen.connection, this.#mine, session));
    if (kept === true) this.#keptAs = this.#mine;
    return kept;
  }

  async #settle(result: Result, settlement: Settlement, told: Extra): Promise<RefreshReport> {
    const settled = await written(this.#deps.connections.settle(this.seen.connection, this.#mine, settlement));
    if (settled === false) return this.#outrun(told);
    const { status: to, dueAt, issuedAt, expiresAt } = settlement;
    return this.report(result, {
      ...told,
      to,
      dueAt,
      ...(this.#repaired && { repaired: true }),
      ...(issuedAt !== undefined && { issuedAt }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(settled === 'failed' && { commitFailed: 'settle' }),
    });
  }

  /** Another worker has the connection now, and its token counts; or it is retired, and ends with what I brought. */
  async #outrun(told: Extra): Promise<RefreshReport> {
    const { connections } = this.#deps;
    const { connection } = this.seen;
    const now = await read(connections.get(connection));
    const gone = now !== 'failed' && (now === undefined || now.retiredAt !== undefined);
    const late = { connection, mine: this.#mine, startedAt: this.#startedAt };
    if (gone) await endLate(this.#deps, this.#provider, now, late).catch(() => {});
    const { originChanged: _, ...rest } = told;
    return this.report(gone ? 'retired' : 'lost', rest);
  }

  report(result: Result, told: Extra): RefreshReport {
    return reportOf(this.seen, result, told, this.#deps.clock.now() - this.#startedAt);
  }
}

/** Where the token comes from now, or where consumers are sent with it, if that is another origin than before. */
const originChange = (before: Connection, now: Settlement): RefreshReport['originChanged'] => {
  const originOf = (base: string | undefined) => (base === undefined ? undefined : new URL(base).origin);
  const changes = [
    { from: originOf(before.base), to: originOf(now.base) },
    { from: before.apiOrigin, to: now.apiOrigin },
  ].flatMap(({ from, to }) => (from !== undefined && to !== undefined && from !== to ? [{ from, to }] : []));
  return changes[0];
};

const withoutToken = ({ issuedAt: _, expiresAt: __, ...record }: Connection): Connection => record;

const reportOf = (
  { connection, status, version, labels }: Listed,
  result: Result,
  told: Extra,
  took: Milliseconds,
): RefreshReport => ({
  ...{ connection, from: status, to: status, calls: 0, version, warnings: [] },
  ...(labels?.tags && { tags: labels.tags }),
  ...told,
  ...{ result, took },
});

const storeFailed: Trouble = { kind: 'unknown', code: 'store_failed' };

const noteOf = (session: Session | undefined, version: Version): SessionNote | undefined =>
  session && { version, ...(session.endsAt !== undefined && { endsAt: session.endsAt }) };

/** The store's answer to a conditional write, or that there was none: then the lease ends by itself. */
const written = (write: Promise<boolean>): Promise<boolean | 'failed'> => write.catch(() => 'failed' as const);
const read = <T>(get: Promise<T>): Promise<T | 'failed'> => get.catch(() => 'failed' as const);
