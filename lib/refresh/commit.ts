import { isTooShort } from '../core/lifetime.ts';
import type { Provider } from '../core/provider.ts';
import {
  type RunFailure,
  type Settlement,
  sessionAfter,
  settleFailed,
  settleGranted,
  settleLost,
  settlePostponed,
  settleUnchanged,
  tokenOf,
} from '../core/settle.ts';
import type { Connection, EpochMs, Listed, Session, Version } from '../core/types.ts';
import { nextVersion, plus, seconds } from '../core/types.ts';
import type { ConnectionStore, TokenStore } from '../ports.ts';
import { endLate } from './end.ts';
import { type Logged, type RefreshReport, type Result, reportOf } from './report.ts';
import { type FailedRun, type Obtained, type Run, type RunDeps, triedWith } from './run.ts';
import { noteOf } from './session.ts';

export interface RefreshDeps extends RunDeps {
  readonly tokens: TokenStore;
  readonly connections: ConnectionStore;
  /** In [0, 1): spreads retries. */
  readonly random: () => number;
  readonly claimId: () => string;
}

type GrantedRun = Extract<Obtained, { kind: 'granted' }>;
type Postponed = Extract<Obtained, { kind: 'postponed' }>;
type Unchanged = Extract<Obtained, { kind: 'unchanged' }>;

/** The time that the last writes of a run need before its lease ends. */
const LAST_WRITES = seconds(3);

/** The writes of one run after its calls: keep, publish, settle. */
export class Commit {
  readonly #deps: RefreshDeps;
  readonly #provider: Provider;
  readonly #startedAt: EpochMs;
  /** The record as the claim found it: current content, with the due time and the lease it had before. */
  readonly before: Connection;
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
    this.before = { ...content, dueAt, ...(leaseUntil !== undefined && { leaseUntil }) };
    this.#mine = content.version;
  }

  async granted({ granted, grant, credentials, calls }: GrantedRun, run: Run): Promise<RefreshReport> {
    const { tokens, policy } = this.#deps;
    const { before } = this;
    const { account, binding } = credentials;
    const isShort = isTooShort(granted, policy.tick);
    const logged: Logged = {
      calls,
      warnings: [...granted.warnings, ...(isShort ? (['lifetime_short'] as const) : [])],
    };
    const held = run.found.held?.session;
    const issuer = { base: account.base, binding };
    const session = sessionAfter(before, held, grant, granted, this.#provider, issuer);
    const changed = session !== held;

    let kept = changed ? await this.#asMine(() => this.#keep(session)) : true;
    if (kept === false) return this.#outrun(logged);

    const publish = () => written(tokens.publish(tokenOf(before.connection, granted, this.#mine)));
    const published = await this.#asMine(async () => {
      // The version was raised: store the session again under the same version as the token.
      if (this.#keptAs !== undefined && this.#keptAs < this.#mine) await this.#keep(session);
      return publish();
    });
    if (published === false) return this.#outrun(logged);
    const onlyCopy = account.oneTimeCode !== undefined && session !== undefined;
    if (kept === 'failed') kept = onlyCopy ? await this.#keepAtLast(session) : await this.#keep(session);
    if (kept === false) return this.#outrun(logged);
    // If it could not be stored, note it under this run's version: the stored item is then older and is not used.
    const version = changed ? (this.#keptAs ?? this.#mine) : (run.found.held?.version ?? this.#mine);
    const isForeign = !session && run.found.isForeign;
    const left = session ? noteOf(session, version) : isForeign ? run.found.note : undefined;
    const used = { tried: triedWith(credentials), account, session: left, isForeign };
    const settled = settleGranted(policy, before, granted, used);
    if (published === 'failed') {
      const { expiresAt: _, issuedAt: __, base: ___, apiOrigin: ____, session: note, ...rest } = settled;
      const left = { session: note, isForeign, forgetSession: false, calls };
      const failed: FailedRun = { kind: 'failed', trouble: storeFailed, ...left };
      return this.failed(failed, run, { commitFailed: 'publish' }, { ...before, ...rest, failures: before.failures });
    }
    const originChanged = originChange(before, settled);
    const isLost = onlyCopy && kept === 'failed';
    const settlement = isLost ? settleLost(settled, before, this.#deps.clock.now()) : settled;
    return this.#settle('refreshed', settlement, {
      ...logged,
      ...(isLost && { error: { code: storeFailed.code } }),
      ...(originChanged && { originChanged }),
      ...(kept !== true && { commitFailed: 'keep' }),
    });
  }

  async failed(
    failed: FailedRun,
    run: Run,
    extra: Logged = {},
    before: Connection = this.before,
  ): Promise<RefreshReport> {
    const { policy, clock, random } = this.#deps;
    const { trouble, calls } = failed;
    if (failed.forgetSession && (await this.#asMine(() => this.#keep(undefined))) === false)
      return this.#outrun({ calls });
    const { cause, replayed } = run;
    const mayHaveEnded = cause === 'forced' || (cause === 'operator' && replayed);
    const left = mayHaveEnded && trouble.kind === 'refused' ? await this.#withdrawn(before) : before;
    const settlement = settleFailed(policy, this.#provider, left, trouble, failed, clock.now(), random());
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
    return this.#settle('postponed', settlePostponed(this.before, postponed, postponed, this.#deps.clock.now()), {
      calls,
      ...(exhausted !== undefined && { exhausted }),
    });
  }

  unchanged(unchanged: Unchanged): Promise<RefreshReport> {
    return this.#settle('unchanged', settleUnchanged(this.before, unchanged), {});
  }

  /**
   * Withdraws the token if consumers must not use it: the provider ended the only session and a consumer reports the
   * token as refused, or an operator resent a refresh token, which may have ended the token.
   */
  async #withdrawn(before: Connection): Promise<Connection> {
    if (before.redeemedCode === undefined) return before;
    const done = await written(this.#deps.tokens.withdraw(before.connection, this.#mine).then(() => true));
    if (done !== true) return before;
    return withoutToken(before);
  }

  /**
   * A conditional write. If a newer version refuses it although this run holds the lease, the record was restored to an
   * earlier state: repeat the write under a higher version.
   */
  async #asMine(write: () => Promise<boolean | 'failed'>): Promise<boolean | 'failed'> {
    const done = await write();
    return done === false && (await this.#raise().catch(() => false)) ? write() : done;
  }

  async #raise(): Promise<boolean> {
    const { tokens, sessions, connections } = this.#deps;
    const { connection } = this.before;
    const there = [await tokens.get(connection), await sessions.get(connection)];
    const to = nextVersion(Math.max(...there.map(each => each?.version ?? 0)));
    if (to <= this.#mine || !(await connections.raise(connection, this.#mine, to))) return false;
    this.#mine = to;
    this.#repaired = true;
    return true;
  }

  /** This refresh token exists nowhere else: retry until the lease ends. */
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
    const kept = await written(this.#deps.sessions.keep(this.before.connection, this.#mine, session));
    if (kept === true) this.#keptAs = this.#mine;
    return kept;
  }

  async #settle(result: Result, settlement: Settlement, logged: Logged): Promise<RefreshReport> {
    const settled = await written(this.#deps.connections.settle(this.before.connection, this.#mine, settlement));
    if (settled === false) return this.#outrun(logged);
    const { status: to, dueAt, issuedAt, expiresAt } = settlement;
    return this.report(result, {
      ...logged,
      to,
      dueAt,
      ...(this.#repaired && { repaired: true }),
      ...(issuedAt !== undefined && { issuedAt }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(settled === 'failed' && { commitFailed: 'settle' }),
    });
  }

  /**
   * Another worker holds the connection now and its token counts; or the connection is retired, and the new token ends
   * with it.
   */
  async #outrun(logged: Logged): Promise<RefreshReport> {
    const { connections } = this.#deps;
    const { connection } = this.before;
    const now = await read(connections.get(connection));
    const gone = now !== 'failed' && (now === undefined || now.retiredAt !== undefined);
    const late = { connection, mine: this.#mine, startedAt: this.#startedAt };
    if (gone) await endLate(this.#deps, this.#provider, now, late).catch(() => {});
    const { originChanged: _, ...rest } = logged;
    return this.report(gone ? 'retired' : 'lost', rest);
  }

  report(result: Result, logged: Logged): RefreshReport {
    return reportOf(this.before, result, logged, this.#deps.clock.now() - this.#startedAt);
  }
}

/** The change of origin, if the token or the API that consumers call is at another origin than before. */
const originChange = (before: Connection, now: Settlement): RefreshReport['originChanged'] => {
  const originOf = (base: string | undefined) => (base === undefined ? undefined : new URL(base).origin);
  const changes = [
    { from: originOf(before.base), to: originOf(now.base) },
    { from: before.apiOrigin, to: now.apiOrigin },
  ].flatMap(({ from, to }) => (from !== undefined && to !== undefined && from !== to ? [{ from, to }] : []));
  return changes[0];
};

export const withoutToken = ({ issuedAt: _, expiresAt: __, ...record }: Connection): Connection => record;

const storeFailed: RunFailure = { kind: 'unknown', code: 'store_failed' };

/** The result of a conditional write, or `failed` if the store gave none: then the lease ends by itself. */
const written = (write: Promise<boolean>): Promise<boolean | 'failed'> => write.catch(() => 'failed' as const);
const read = <T>(get: Promise<T>): Promise<T | 'failed'> => get.catch(() => 'failed' as const);
