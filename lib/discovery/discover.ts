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
  /** What the stores did not take; the next discovery tries it again. */
  readonly failures: readonly { readonly connection: ConnectionId; readonly code: ErrorCode }[];
}

/** Ending a connection is the work of `refresh`. If it has not for so long, at least nobody reads the token any more. */
const END_WITHIN = minutes(10);
const CONCURRENCY = 8;

/** Makes the connections match the secrets: adds, notes changes, retires. */
export const discover = async (
  deps: DiscoverDeps,
  records: ReadonlyMap<ConnectionId, Listed>,
): Promise<DiscoverReport> => {
  const listings = (await deps.secrets.list(deps.prefix)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const inventory = new SecretInventory(deps, records.values());
  await pool(listings, CONCURRENCY, listing => inventory.look(listing));
  await pool(inventory.unlisted(listings), CONCURRENCY, secret => inventory.lookAgain(secret));
  const round = new Reconciliation(deps, records);
  await pool([...inventory.connections], CONCURRENCY, ([connection, note]) => round.match(connection, note));
  const missing = active(records.values()).filter(({ connection }) => !inventory.connections.has(connection));
  const bySecret = Map.groupBy(missing, ({ connection }) => secretOf(connection));
  await pool([...bySecret], CONCURRENCY, ([secret, own]) => round.retire(secret, own));
  const revived = new Set(round.done.revived);
  const retired = [...records.values()].filter(
    record => record.retiredAt !== undefined && !revived.has(record.connection) && !inventory.mayBeBack(record),
  );
  await pool(retired, CONCURRENCY, record => round.clear(record, !inventory.connections.has(record.connection)));
  const { read, problems } = inventory;
  return { secrets: listings.length, read, connections: inventory.connections.size, ...round.done, problems };
};

/** Every record of the providers that are served, the retired too. */
export const allRecords = async ({
  connections,
  providers,
}: Pick<DiscoverDeps, 'connections' | 'providers'>): Promise<Map<ConnectionId, Listed>> => {
  const listed = await listShards(connections, providers, allShards);
  return new Map(listed.map(record => [record.connection, record]));
};

/** The changes of one discovery. One that fails does not stop the others. */
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
   * Adds a connection, or makes its record match its secret. In any order: a discovery that dies leaves fewer records that
   * note the secret than there are keys in it.
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

  /** Nothing of the secret before may be left when another one takes its name: first that connection ends. */
  async #replace({ connection, retiredAt, replacedAt }: Listed): Promise<void> {
    if (replacedAt !== undefined) return;
    await this.#deps.connections.replace(connection, this.#now);
    if (retiredAt === undefined) this.done.retired.push(connection);
  }

  /** Listings lag and can be incomplete: only the secret itself says that a connection is gone. */
  async retire(secret: string, own: readonly Listed[]): Promise<void> {
    const { connections, clock } = this.#deps;
    const fate = await fateOf(this.#deps, secret);
    for (const record of own.filter(each => fate(each) !== 'there')) {
      const { connection } = record;
      await this.#try(connection, async () => {
        if (fate(record) === 'replaced') return this.#replace(record);
        // The grace period begins once the secret has been looked for.
        await connections.retire(connection, clock.now());
        this.done.retired.push(connection);
      });
    }
  }

  /** Withdraws what nobody has ended in time; deletes a record once it has ended and no late writer can run any more. */
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
    // Once the end has begun, a record keeps its version; and a refresher that tries again and again keeps its pauses.
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
 * Above all that an earlier record of that name can have reached, since versions grow with runs, and these are seconds apart:
 * what was late for that one must neither outlive nor take away what this one brings.
 */
const firstVersion = (now: EpochMs): Version => version(Math.floor(now / seconds(1)));
