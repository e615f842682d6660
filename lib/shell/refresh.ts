import type { ErrorCode } from '../core/errors.ts';
import type { Provider, Warning } from '../core/provider.ts';
import {
  type Settlement,
  sessionAfter,
  settleFailed,
  settleGranted,
  settlePostponed,
  type Trouble,
  tokenOf,
} from '../core/settle.ts';
import type { Connection, ConnectionId, EpochMs, Milliseconds, Status, Version } from '../core/types.ts';
import { plus } from '../core/types.ts';
import { obtain } from './obtain.ts';
import type { ConnectionStore, TokenStore } from './ports.ts';
import type { ObtainDeps, Obtained } from './run.ts';

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
  readonly warnings: readonly Warning[];
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
  listed: Connection,
  forced: boolean,
): Promise<RefreshReport> => {
  const startedAt = deps.clock.now();
  const claimed = await deps.connections.claim(listed, {
    id: deps.claimId(),
    leaseUntil: plus(startedAt, deps.policy.lease),
    ...(forced && { forcedAt: startedAt }),
  });
  const run = new Commit(deps, provider, listed, claimed, startedAt);
  if (!claimed) return run.report('lost', {});
  const obtained = await obtain(deps, provider, run.seen, startedAt);
  switch (obtained.kind) {
    case 'granted':
      return run.granted(obtained);
    case 'postponed':
      return run.postponed(obtained);
    case 'failed':
      return run.failed(obtained);
  }
};

type Extra = Partial<Omit<RefreshReport, 'connection' | 'result' | 'from' | 'took'>>;

class Commit {
  readonly #deps: RefreshDeps;
  readonly #provider: Provider;
  readonly #startedAt: EpochMs;
  /** The record as the claim found it: the fresh content, with the due time and the lease it had before. */
  readonly seen: Connection;
  readonly #mine: Version;

  constructor(
    deps: RefreshDeps,
    provider: Provider,
    listed: Connection,
    claimed: Connection | undefined,
    startedAt: EpochMs,
  ) {
    this.#deps = deps;
    this.#provider = provider;
    this.#startedAt = startedAt;
    const { leaseUntil: _, ...content } = claimed ?? listed;
    const { leaseUntil, dueAt } = listed;
    this.seen = { ...content, dueAt, ...(leaseUntil !== undefined && { leaseUntil }) };
    this.#mine = content.version;
  }

  async granted({
    granted,
    grant,
    credentials,
    calls,
  }: Extract<Obtained, { kind: 'granted' }>): Promise<RefreshReport> {
    const { connections, tokens, policy } = this.#deps;
    const { connection } = this.seen;
    const told: Extra = { calls, warnings: granted.warnings };
    const session = sessionAfter(this.seen, grant, granted, this.#provider);

    let commitFailed: 'keep' | undefined;
    if (session && session !== this.seen.session) {
      const kept = await written(connections.keep(connection, this.#mine, session));
      if (kept === false) return this.#outrun(told);
      // Settle carries the session too: one more chance to store it.
      if (kept === 'failed') commitFailed = 'keep';
    }

    const token = tokenOf(connection, granted, this.#mine);
    const published = await written(tokens.publish(token));
    if (published === false) return this.#outrun(told);
    const used = { secretVersion: credentials.version, account: credentials.account, session };
    const settled = settleGranted(policy, this.seen, granted, used);
    if (published === 'failed') {
      const { expiresAt: _, issuedAt: __, ...rest } = settled;
      const seen = { ...this.seen, ...rest, failures: this.seen.failures };
      // Without a new session the old one is spent or superseded: it must not come back with the failure.
      const dropSession = session === undefined;
      return this.failed({ kind: 'failed', trouble: storeFailed, dropSession, calls }, seen, 'publish');
    }
    return this.#settle('refreshed', settled, { ...told, ...(commitFailed && { commitFailed }) });
  }

  failed(
    { trouble, secretVersion, dropSession, redeemedCode, calls }: Extract<Obtained, { kind: 'failed' }>,
    seen: Connection = this.seen,
    commitFailed?: 'publish',
  ): Promise<RefreshReport> {
    const { policy, clock, random } = this.#deps;
    const used = {
      calls,
      dropSession,
      ...(secretVersion !== undefined && { secretVersion }),
      ...(redeemedCode !== undefined && { redeemedCode }),
    };
    const settlement = settleFailed(policy, this.#provider, seen, trouble, used, clock.now(), random());
    const { code, fields } = trouble;
    const status = 'status' in trouble ? trouble.status : undefined;
    const error = { code, ...(status !== undefined && { status }), ...(fields && { fields }) };
    const result = settlement.status === 'attention' ? 'attention' : 'failed';
    return this.#settle(result, settlement, { calls, error, ...(commitFailed && { commitFailed }) });
  }

  postponed({
    until,
    dropSession,
    redeemedCode,
    calls,
  }: Extract<Obtained, { kind: 'postponed' }>): Promise<RefreshReport> {
    const used = { calls, dropSession, ...(redeemedCode !== undefined && { redeemedCode }) };
    return this.#settle('postponed', settlePostponed(this.seen, used, until, this.#deps.clock.now()), { calls });
  }

  async #settle(result: Result, settlement: Settlement, told: Extra): Promise<RefreshReport> {
    const settled = await written(this.#deps.connections.settle(this.seen.connection, this.#mine, settlement));
    if (settled === false) return this.#outrun(told);
    const { status: to, dueAt, issuedAt, expiresAt } = settlement;
    return this.report(result, {
      ...told,
      to,
      dueAt,
      ...(issuedAt !== undefined && { issuedAt }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(settled === 'failed' && { commitFailed: 'settle' }),
    });
  }

  /** Another worker has the connection now, and its token will count; or it is retired, and mine must not stay. */
  async #outrun(told: Extra): Promise<RefreshReport> {
    const { connections, tokens } = this.#deps;
    const { connection } = this.seen;
    const now = await read(connections.get(connection));
    const gone = now !== 'failed' && (now === undefined || now.retiredAt !== undefined);
    if (gone) await written(tokens.withdraw(connection, this.#mine).then(() => true));
    return this.report(gone ? 'retired' : 'lost', told);
  }

  report(result: Result, told: Extra): RefreshReport {
    const { connection, status } = this.seen;
    const took = this.#deps.clock.now() - this.#startedAt;
    return { connection, from: status, to: status, calls: 0, version: this.#mine, warnings: [], ...told, result, took };
  }
}

const storeFailed: Trouble = { kind: 'unknown', code: 'store_failed' };

/** The store's answer to a conditional write, or that there was none: then the lease ends by itself. */
const written = (write: Promise<boolean>): Promise<boolean | 'failed'> => write.catch(() => 'failed' as const);
const read = <T>(get: Promise<T>): Promise<T | 'failed'> => get.catch(() => 'failed' as const);
