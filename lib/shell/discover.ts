import { allShards } from '../core/shard.ts';
import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  hours,
  providerOf,
  type SecretRef,
  seconds,
  type Token,
  type Version,
  version,
} from '../core/types.ts';
import { type Claimed, Claims, type ClaimsDeps, living, type Problem } from './claims.ts';
import { pool } from './pool.ts';
import type { Clock, ConnectionStore, SendHttp, TokenStore } from './ports.ts';

export interface DiscoverDeps extends ClaimsDeps {
  readonly clock: Clock;
  readonly connections: ConnectionStore;
  readonly tokens: TokenStore;
  readonly send: SendHttp;
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
}

/** No writer that began before a retirement can be alive after so long: a Lambda function lives 15 minutes at most. */
export const RETIRED_FOR = hours(1);
const CONCURRENCY = 8;

/** Makes the connections be what the secrets say: adds, notes changes, retires. Deletes nothing on hearsay. */
export const discover = async (deps: DiscoverDeps): Promise<DiscoverReport> => {
  const listings = (await deps.secrets.list(deps.prefix)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const records = await allRecords(deps);
  const claims = new Claims(deps, records);
  await pool(listings, CONCURRENCY, listing => claims.look(listing));
  const settled = await claims.settled();
  const round = new Round(deps, records, claims);
  // What is new first: once all that a secret had before have noted its version, it is not looked into again.
  for (const some of [settled.filter(round.isNew), settled.filter(claim => !round.isNew(claim))]) {
    await pool(some, CONCURRENCY, claim => round.admit(claim));
  }
  await pool(round.missing(), CONCURRENCY, record => round.retire(record));
  await pool(round.retired(), CONCURRENCY, record => round.clear(record));
  return round.report(listings.length);
};

const allRecords = async ({ connections, providers }: DiscoverDeps): Promise<Map<ConnectionId, Connection>> => {
  const lists = providers.flatMap(provider => allShards.map(shard => connections.list(provider.id, shard)));
  return new Map((await Promise.all(lists)).flat().map(record => [record.connection, record]));
};

/** Makes the records be what was claimed, and counts what it did. */
class Round {
  readonly #deps: DiscoverDeps;
  readonly #records: ReadonlyMap<ConnectionId, Connection>;
  readonly #claims: Claims;
  readonly #now: EpochMs;
  readonly #done = {
    added: [] as ConnectionId[],
    changed: [] as ConnectionId[],
    revived: [] as ConnectionId[],
    retired: [] as ConnectionId[],
    removed: [] as ConnectionId[],
  };

  constructor(deps: DiscoverDeps, records: ReadonlyMap<ConnectionId, Connection>, claims: Claims) {
    this.#deps = deps;
    this.#records = records;
    this.#claims = claims;
    this.#now = deps.clock.now();
  }

  readonly isNew = ({ connection }: Claimed): boolean => !this.#records.has(connection);

  async admit(claim: Claimed): Promise<void> {
    const { connections } = this.#deps;
    const { connection, secret } = claim;
    const record = this.#records.get(connection);
    if (!record) {
      const added = await connections.add({
        connection,
        secret,
        status: 'new',
        dueAt: this.#now,
        version: firstVersion(this.#now),
        failures: 0,
        secretVersion: claim.version,
      });
      if (added) this.#done.added.push(connection);
      return;
    }
    const moved = !sameRef(record.secret, secret);
    if (moved || record.secretVersion !== claim.version) {
      await connections.noteSecret(connection, secret, claim.version);
      this.#done.changed.push(connection);
    }
    if (record.retiredAt !== undefined) {
      await connections.revive(connection, this.#now);
      this.#done.revived.push(connection);
    }
  }

  missing(): Connection[] {
    const { problems } = this.#claims;
    const unread = new Set(problems.filter(each => each.code === 'secret_unreadable').map(each => each.secret));
    return living(this.#records.values()).filter(
      record => !this.#claims.has(record.connection) && !unread.has(record.secret.name),
    );
  }

  /** Listings lag behind and can be incomplete: only the secret itself tells that it is gone. */
  async retire(record: Connection): Promise<void> {
    if (!(await this.#claims.isGone(record))) return;
    const { connections, tokens } = this.#deps;
    const { connection } = record;
    const token = await tokens.get(connection).catch(() => undefined);
    await connections.retire(connection, this.#now);
    this.#done.retired.push(connection);
    const retired = await connections.get(connection);
    // It may be back by now, with a token that is not to be touched.
    if (retired?.retiredAt === undefined) return;
    await tokens.withdraw(connection, retired.version);
    if (token) await this.#revoke(record, token);
  }

  /** Before this discovery, and still without a secret. */
  retired(): Connection[] {
    return [...this.#records.values()].filter(
      ({ connection, retiredAt }) => retiredAt !== undefined && !this.#claims.has(connection),
    );
  }

  /** The token once more, for a retirement that died half-way and for writers that were late; in the end the record. */
  async clear({ connection, version: last, retiredAt = this.#now }: Connection): Promise<void> {
    await this.#deps.tokens.withdraw(connection, last);
    if (this.#now < retiredAt + RETIRED_FOR) return;
    await this.#deps.connections.remove(connection);
    this.#done.removed.push(connection);
  }

  report(secrets: number): DiscoverReport {
    const { read, connections, problems } = this.#claims;
    return { secrets, read, connections, ...this.#done, problems };
  }

  /** Ends the tokens at the provider where it has a way to; a courtesy, so that a failure of it stops nothing. */
  async #revoke({ connection, session }: Connection, token: Token): Promise<void> {
    const provider = this.#deps.providers.find(each => each.id === providerOf(connection));
    if (!provider?.revoke) return;
    for (const each of [token.accessToken, session?.refreshToken]) {
      if (each !== undefined) await this.#deps.send(provider.revoke(token.baseUrl, each), 5000);
    }
  }
}

/**
 * Above all that an earlier record of that name can have reached, since versions grow with runs, and these are seconds apart:
 * what was late for that one must neither outlive nor take away what this one brings.
 */
const firstVersion = (now: EpochMs): Version => version(Math.floor(now / seconds(1)));

const sameRef = (a: SecretRef, b: SecretRef): boolean =>
  a.name === b.name && a.key === b.key && (a.contested ?? false) === (b.contested ?? false);
