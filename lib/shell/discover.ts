import { type ErrorCode, RefresherError } from '../core/errors.ts';
import { areOfTwoSecrets } from '../core/secret.ts';
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
  const round = new Round(deps, records, inventory.full);
  const found = [...inventory.connections];
  // All that is new is added before any version is noted: a secret counts as known only once all of it is.
  const isNew = ([connection]: (typeof found)[number]) => !records.has(connection);
  await pool(found.filter(isNew), CONCURRENCY, ([connection, seen]) => round.add(connection, seen));
  await pool(found, CONCURRENCY, ([connection, seen]) => round.note(connection, seen));
  const missing = active(records.values()).filter(({ connection }) => !inventory.connections.has(connection));
  const bySecret = Map.groupBy(missing, ({ connection }) => secretOf(connection));
  await pool([...bySecret], CONCURRENCY, ([secret, own]) => round.retire(secret, own));
  const revived = new Set(round.done.revived);
  const retired = [...records.values()].filter(
    ({ connection, retiredAt }) => retiredAt !== undefined && !revived.has(connection),
  );
  await pool(retired, CONCURRENCY, record => round.clear(record, !inventory.connections.has(record.connection)));
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
  /** Secrets that hold more than could be taken. */
  readonly #full: ReadonlySet<string>;
  readonly #now: EpochMs;
  readonly done = {
    added: [] as ConnectionId[],
    changed: [] as ConnectionId[],
    revived: [] as ConnectionId[],
    retired: [] as ConnectionId[],
    removed: [] as ConnectionId[],
    failures: [] as { connection: ConnectionId; code: ErrorCode }[],
  };

  constructor(deps: DiscoverDeps, records: ReadonlyMap<ConnectionId, Listed>, full: ReadonlySet<string>) {
    this.#deps = deps;
    this.#records = records;
    this.#full = full;
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
    const another = areOfTwoSecrets(record?.secretVersion ?? record?.triedVersion, seen);
    const noted = record ? record.secretVersion === seen : keyOf(connection) === undefined;
    return this.#try(connection, async () => {
      if (record && another && record.endedAt === undefined) return this.#replace(record);
      // Something new of this secret could not be added: it has to be read again.
      if (this.#isIncomplete(secretOf(connection))) return;
      if (record?.retiredAt !== undefined) {
        const from = another ? 'ended' : 'retired';
        await this.#deps.connections.revive(connection, { at: this.#now, secretVersion: seen, from });
        this.done.revived.push(connection);
      } else if (!noted) {
        await this.#deps.connections.noteSecret(connection, seen);
        if (record) this.done.changed.push(connection);
      }
    });
  }

  /** Nothing of the secret before may be left when another one takes its name: first that connection ends. */
  async #replace({ connection, retiredAt, replacedAt }: Listed): Promise<void> {
    if (replacedAt !== undefined) return;
    await this.#deps.connections.replace(connection, this.#now);
    if (retiredAt === undefined) this.done.retired.push(connection);
  }

  #isIncomplete(secret: string): boolean {
    return this.#full.has(secret) || this.done.failures.some(failure => secretOf(failure.connection) === secret);
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
  clear({ connection, version: last, retiredAt = this.#now, endedAt }: Listed, isGone: boolean): Promise<void> {
    const { connections, tokens } = this.#deps;
    return this.#try(connection, async () => {
      const overdue = endedAt === undefined && this.#now >= plus(retiredAt, END_WITHIN);
      const over = isGone && endedAt !== undefined && this.#now >= plus(retiredAt, RETIRED_FOR);
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
