import { type ErrorCode, RefresherError } from '../core/errors.ts';
import { allShards } from '../core/shard.ts';
import {
  type ConnectionId,
  type EpochMs,
  hours,
  keyOf,
  type Listed,
  minutes,
  plus,
  type SecretVersion,
  seconds,
  secretOf,
  type Version,
  version,
} from '../core/types.ts';
import { active, type InventoryDeps, isGone, type Problem, SecretInventory } from './inventory.ts';
import { listShards } from './listing.ts';
import { pool } from './pool.ts';
import type { Clock, ConnectionStore, TokenStore } from './ports.ts';

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

/** No writer that began before a retirement can run after so long: a Lambda function runs for 15 minutes at most. */
export const RETIRED_FOR = hours(1);
/** Ending a connection is the work of `refresh`. If it has not for so long, at least nobody reads the token any more. */
const END_WITHIN = minutes(10);
const CONCURRENCY = 8;

/** Makes the connections match the secrets: adds, notes changes, retires. */
export const discover = async (deps: DiscoverDeps): Promise<DiscoverReport> => {
  const listings = (await deps.secrets.list(deps.prefix)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const records = await allRecords(deps);
  const inventory = new SecretInventory(deps, records.values());
  await pool(listings, CONCURRENCY, listing => inventory.look(listing));
  const round = new Round(deps, records);
  const found = [...inventory.connections];
  // All that is new is added before any version is noted: a secret counts as known only once all of it is.
  const isNew = ([connection]: (typeof found)[number]) => !records.has(connection);
  await pool(found.filter(isNew), CONCURRENCY, ([connection, seen]) => round.add(connection, seen));
  await pool(found, CONCURRENCY, ([connection, seen]) => round.note(connection, seen));
  const missing = active(records.values()).filter(({ connection }) => !inventory.connections.has(connection));
  const bySecret = Map.groupBy(missing, ({ connection }) => secretOf(connection));
  await pool([...bySecret], CONCURRENCY, ([secret, own]) => round.retire(secret, own));
  const gone = [...records.values()].filter(
    ({ connection, retiredAt }) => retiredAt !== undefined && !inventory.connections.has(connection),
  );
  await pool(gone, CONCURRENCY, record => round.clear(record));
  const { read, problems } = inventory;
  return { secrets: listings.length, read, connections: inventory.connections.size, ...round.done, problems };
};

const allRecords = async ({ connections, providers }: DiscoverDeps): Promise<Map<ConnectionId, Listed>> => {
  const listed = await listShards(connections, providers, allShards);
  return new Map(listed.map(record => [record.connection, record]));
};

/** The changes of one discovery. One that fails does not stop the others. */
class Round {
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

  /** One of many in a secret gets its version noted later, once all of them are there. */
  add(connection: ConnectionId, seen: SecretVersion): Promise<void> {
    return this.#try(connection, async () => {
      const added = await this.#deps.connections.add({
        connection,
        status: 'new',
        dueAt: this.#now,
        version: firstVersion(this.#now),
        failures: 0,
        ...(keyOf(connection) === undefined && { secretVersion: seen }),
      });
      if (added) this.done.added.push(connection);
    });
  }

  note(connection: ConnectionId, seen: SecretVersion): Promise<void> {
    const record = this.#records.get(connection);
    // Something new of this secret could not be added: it has to be read again.
    const incomplete = this.done.failures.some(failure => secretOf(failure.connection) === secretOf(connection));
    const noted = record ? record.secretVersion === seen : keyOf(connection) === undefined;
    return this.#try(connection, async () => {
      if (!noted && !incomplete) {
        await this.#deps.connections.noteSecret(connection, seen);
        if (record) this.done.changed.push(connection);
      }
      if (record?.retiredAt === undefined) return;
      await this.#deps.connections.revive(connection, this.#now);
      this.done.revived.push(connection);
    });
  }

  /** Listings lag and can be incomplete: only the secret itself says that a connection is gone. */
  async retire(secret: string, own: readonly Listed[]): Promise<void> {
    const gone = await isGone(this.#deps, secret);
    for (const { connection } of own.filter(each => gone(each.connection))) {
      await this.#try(connection, async () => {
        await this.#deps.connections.retire(connection, this.#now);
        this.done.retired.push(connection);
      });
    }
  }

  /** Deletes a record once it has ended and no late writer can run any more. */
  clear({ connection, version: last, retiredAt = this.#now, endedAt }: Listed): Promise<void> {
    const { connections, tokens } = this.#deps;
    return this.#try(connection, async () => {
      const overdue = endedAt === undefined && this.#now >= plus(retiredAt, END_WITHIN);
      const over = endedAt !== undefined && this.#now >= plus(retiredAt, RETIRED_FOR);
      if (overdue || over) await tokens.withdraw(connection, last);
      if (!over) return;
      await connections.remove(connection);
      this.done.removed.push(connection);
    });
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
