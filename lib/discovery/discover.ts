import { type ErrorCode, RefresherError } from '../core/errors.ts';
import { endsAt, RETIRED_FOR } from '../core/retirement.ts';
import { areOfTwoSecrets } from '../core/secret.ts';
import { allShards } from '../core/shard.ts';
import {
  type ConnectionId,
  type EpochMs,
  type Listed,
  minutes,
  plus,
  type SecretNote,
  seconds,
  secretOf,
  type Version,
  version,
} from '../core/types.ts';
import { listShards } from '../listing.ts';
import { pool } from '../pool.ts';
import type { Clock, ConnectionStore, Revival, TokenStore } from '../ports.ts';
import { active, fateOf, type InventoryDeps, type Problem, SecretInventory } from './inventory.ts';

export interface DiscoverDeps extends InventoryDeps {
  readonly clock: Clock;
  readonly connections: ConnectionStore;
  readonly tokens: Pick<TokenStore, 'withdraw'>;
}

export interface DiscoverReport {
  readonly secrets: number;
  readonly read: number;
  readonly connections: number;
  readonly added: readonly ConnectionId[];
  readonly changed: readonly ConnectionId[];
  readonly revived: readonly ConnectionId[];
  readonly retired: readonly ConnectionId[];
  readonly removed: readonly ConnectionId[];
  readonly problems: readonly Problem[];
  /** Writes that the stores did not take; the next discovery repeats them. */
  readonly failures: readonly { readonly connection: ConnectionId; readonly code: ErrorCode }[];
}

/** `refresh` ends connections. If it has not done so within this time, discovery withdraws the token. */
const END_WITHIN = minutes(10);
const CONCURRENCY = 8;

/** Makes the connections match the secrets: adds connections, notes changes, retires connections. */
export const discover = async (
  deps: DiscoverDeps,
  records: ReadonlyMap<ConnectionId, Listed>,
): Promise<DiscoverReport> => {
  const listings = (await deps.secrets.list(deps.prefix)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const inventory = new SecretInventory(deps, records.values());
  await pool(listings, CONCURRENCY, listing => inventory.look(listing));
  await pool(inventory.unlisted(listings), CONCURRENCY, secret => inventory.lookAgain(secret));
  const reconciliation = new Reconciliation(deps, records);
  await pool([...inventory.connections], CONCURRENCY, ([connection, note]) => reconciliation.match(connection, note));
  const missing = active(records.values()).filter(({ connection }) => !inventory.connections.has(connection));
  const bySecret = Map.groupBy(missing, ({ connection }) => secretOf(connection));
  await pool([...bySecret], CONCURRENCY, ([secret, own]) => reconciliation.retire(secret, own));
  const revived = new Set(reconciliation.done.revived);
  const retired = [...records.values()].filter(
    record => record.retiredAt !== undefined && !revived.has(record.connection) && !inventory.mayBeBack(record),
  );
  await pool(retired, CONCURRENCY, record =>
    reconciliation.clear(record, !inventory.connections.has(record.connection)),
  );
  const { read, problems } = inventory;
  return { secrets: listings.length, read, connections: inventory.connections.size, ...reconciliation.done, problems };
};

/** Every record of the deployed providers, including retired ones. */
export const allRecords = async ({
  connections,
  providers,
}: Pick<DiscoverDeps, 'connections' | 'providers'>): Promise<Map<ConnectionId, Listed>> => {
  const listed = await listShards(connections, providers, allShards);
  return new Map(listed.map(record => [record.connection, record]));
};

/** The changes of one discovery. A change that fails does not stop the others. */
class Reconciliation {
  readonly #deps: DiscoverDeps;
  readonly #records: ReadonlyMap<ConnectionId, Listed>;
  readonly #now: EpochMs;
  readonly done = {
    added: [] as ConnectionId[],
    changed: [] as ConnectionId[],
    revived: [] as ConnectionId[],
    retired: [] as ConnectionId[],
    removed: [] as ConnectionId[],
    failures: [] as { connection: ConnectionId; code: ErrorCode }[],
  };

  constructor(deps: DiscoverDeps, records: ReadonlyMap<ConnectionId, Listed>) {
    this.#deps = deps;
    this.#records = records;
    this.#now = deps.clock.now();
  }

  /**
   * Adds a connection, or updates its record to match its secret. The order does not matter: after a crash fewer
   * records note the secret than it has keys, and the next discovery reads it again.
   */
  match(connection: ConnectionId, note: SecretNote | undefined): Promise<void> {
    const record = this.#records.get(connection);
    return this.#try(connection, async () => {
      if (!note) return;
      if (!record) return this.#add(connection, note);
      const another = areOfTwoSecrets(record.discoveredVersion, note.discoveredVersion);
      if (another && record.endedAt === undefined) return this.#replace(record);
      if (record.retiredAt !== undefined) return this.#revive(connection, note, another ? 'ended' : 'retired');
      const changed = record.discoveredVersion !== note.discoveredVersion;
      if (!changed && record.secretKeys === note.secretKeys) return;
      await this.#deps.connections.noteSecret(connection, note);
      if (changed) this.done.changed.push(connection);
    });
  }

  async #add(connection: ConnectionId, note: SecretNote): Promise<void> {
    const added = await this.#deps.connections.add({
      connection,
      status: 'new',
      dueAt: this.#now,
      version: firstVersion(this.#now),
      failures: 0,
      ...note,
    });
    if (added) this.done.added.push(connection);
  }

  async #revive(connection: ConnectionId, note: SecretNote, from: Revival['from']): Promise<void> {
    await this.#deps.connections.revive(connection, { at: this.#now, ...note, from });
    this.done.revived.push(connection);
  }

  /** Another secret has taken the name. First this connection ends: nothing of it may remain for the new one. */
  async #replace({ connection, retiredAt, replacedAt }: Listed): Promise<void> {
    if (replacedAt !== undefined) return;
    await this.#deps.connections.replace(connection, this.#now);
    if (retiredAt === undefined) this.done.retired.push(connection);
  }

  /** Listings lag and can be incomplete: only a read of the secret shows that a connection is gone. */
  async retire(secret: string, own: readonly Listed[]): Promise<void> {
    const { connections, clock } = this.#deps;
    const fate = await fateOf(this.#deps, secret);
    for (const record of own.filter(each => fate(each) !== 'there')) {
      const { connection } = record;
      await this.#try(connection, async () => {
        if (fate(record) === 'replaced') return this.#replace(record);
        // The grace period begins after the secret was read.
        await connections.retire(connection, clock.now());
        this.done.retired.push(connection);
      });
    }
  }

  /**
   * Withdraws tokens that `refresh` did not end in time. Deletes a record once it has ended and no late writer can
   * still run.
   */
  clear(record: Listed, isGone: boolean): Promise<void> {
    const { connections, tokens } = this.#deps;
    const { connection, version: last, retiredAt = this.#now, endedAt } = record;
    return this.#try(connection, async () => {
      if (endedAt === undefined) return this.#withdrawOverdue(record);
      if (!isGone || this.#now < plus(retiredAt, RETIRED_FOR)) return;
      await tokens.withdraw(connection, last);
      await connections.remove(connection, last);
      this.done.removed.push(connection);
    });
  }

  async #withdrawOverdue(record: Listed): Promise<void> {
    const { connections, tokens } = this.#deps;
    const { connection, endingAt } = record;
    const now = this.#now;
    if (now < plus(endsAt(record) ?? now, END_WITHIN)) return;
    // Once the end has begun, keep the version of the record and the pauses of a refresher that retries.
    const begun = endingAt === undefined ? await connections.beginEnd(connection, { at: now, dueAt: now }) : record;
    if (begun) await tokens.withdraw(connection, begun.version);
  }

  async #try(connection: ConnectionId, change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      if (!(error instanceof RefresherError)) throw error;
      this.done.failures.push({ connection, code: error.code });
    }
  }
}

/**
 * Higher than any version of an earlier record with this name: versions grow by one per run, and runs are seconds
 * apart. Late writes of the earlier connection must neither survive nor delete what the new one writes.
 */
const firstVersion = (now: EpochMs): Version => version(Math.floor(now / seconds(1)));
