import type { Provider } from '../core/provider.ts';
import { connectionsIn, parseSecretName } from '../core/secret.ts';
import { allShards } from '../core/shard.ts';
import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  hours,
  providerOf,
  type SecretRef,
  type SecretVersion,
  secretVersion,
  type Token,
  version,
} from '../core/types.ts';
import { pool } from './pool.ts';
import type { Clock, ConnectionStore, SecretListing, SecretSource, SendHttp, TokenStore } from './ports.ts';

export interface DiscoverDeps {
  readonly clock: Clock;
  readonly secrets: SecretSource;
  readonly connections: ConnectionStore;
  readonly tokens: TokenStore;
  readonly send: SendHttp;
  readonly providers: readonly Provider[];
  /** Ends with a slash: `token-refresher/`. */
  readonly prefix: string;
}

export type ProblemCode =
  | 'bad_secret_name'
  | 'unknown_provider'
  | 'no_value'
  | 'secret_unreadable'
  | 'secret_malformed'
  | 'bad_connection_name'
  /** Another secret holds a connection of that name. */
  | 'name_taken';

/** Names only; a key inside `connections` that is no name is not repeated, since it may be a misplaced credential. */
export interface Problem {
  readonly secret: string;
  readonly code: ProblemCode;
  readonly connection?: ConnectionId;
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
  const round = new Round(deps, records);
  await pool(listings, CONCURRENCY, listing => round.look(listing));
  const claims = await round.settledClaims();
  // What is new first: once all that a secret had before have noted its version, it is not looked into again.
  for (const some of [claims.filter(round.isNew), claims.filter(claim => !round.isNew(claim))]) {
    await pool(some, CONCURRENCY, claim => round.admit(claim));
  }
  await pool(round.missing(), CONCURRENCY, record => round.retire(record));
  await pool(round.outlived(), CONCURRENCY, record => round.remove(record));
  return round.report(listings.length);
};

const allRecords = async ({ connections, providers }: DiscoverDeps): Promise<Map<ConnectionId, Connection>> => {
  const lists = providers.flatMap(provider => allShards.map(shard => connections.list(provider.id, shard)));
  return new Map((await Promise.all(lists)).flat().map(record => [record.connection, record]));
};

interface Claimed {
  readonly connection: ConnectionId;
  readonly secret: SecretRef;
  readonly version: SecretVersion;
}

/** One discovery: what it found and what it did. */
class Round {
  readonly #deps: DiscoverDeps;
  readonly #records: ReadonlyMap<ConnectionId, Connection>;
  readonly #bySecret: ReadonlyMap<string, readonly Connection[]>;
  readonly #now: EpochMs;
  readonly #claims = new Map<ConnectionId, Claimed[]>();
  #read = 0;
  readonly #done = {
    added: [] as ConnectionId[],
    changed: [] as ConnectionId[],
    revived: [] as ConnectionId[],
    retired: [] as ConnectionId[],
    removed: [] as ConnectionId[],
  };
  readonly #problems: Problem[] = [];

  constructor(deps: DiscoverDeps, records: ReadonlyMap<ConnectionId, Connection>) {
    this.#deps = deps;
    this.#records = records;
    this.#bySecret = Map.groupBy(living(records.values()), record => record.secret.name);
    this.#now = deps.clock.now();
  }

  /** What one listed secret claims. One whose current version every one of its records has noted is not read again. */
  async look(listing: SecretListing): Promise<void> {
    const parsed = parseSecretName(this.#deps.prefix, listing.name);
    if (!parsed) return this.#problem(listing.name, 'bad_secret_name');
    if (!this.#deps.providers.some(provider => provider.id === parsed.provider)) {
      return this.#problem(listing.name, 'unknown_provider');
    }
    const own = this.#bySecret.get(listing.name) ?? [];
    const unchanged =
      own.length > 0 && own.every(({ secret, secretVersion: noted }) => noted === listing.version && !secret.contested);
    if (unchanged) {
      for (const { connection, secret } of own) this.#claim({ connection, secret, version: listing.version });
      return;
    }
    this.#read += 1;
    const value = await this.#deps.secrets.get(listing.name).catch(() => 'unreadable' as const);
    if (value === 'unreadable') return this.#problem(listing.name, 'secret_unreadable');
    if (!value) return this.#problem(listing.name, 'no_value');
    const content = connectionsIn({ name: listing.name, ...parsed }, value.text);
    if (!content.ok) {
      this.#problem(listing.name, 'secret_malformed');
      // Visible as a connection that needs attention, rather than not at all.
      if (own.length === 0)
        this.#claim({ connection: parsed.connection, secret: { name: listing.name }, version: value.version });
      else for (const { connection, secret } of own) this.#claim({ connection, secret, version: value.version });
      return;
    }
    for (const _ of content.badNames) this.#problem(listing.name, 'bad_connection_name');
    for (const [connection, secret] of content.connections) this.#claim({ connection, secret, version: value.version });
  }

  /**
   * A name that two secrets claim stays with the one that had it, otherwise goes to the first by name. Silence is no
   * waiver: where the one that had it was not listed or could not be read, it keeps the name until it is surely gone.
   */
  async settledClaims(): Promise<Claimed[]> {
    const settled: Claimed[] = [];
    const contested = new Set<string>();
    for (const [connection, claims] of this.#claims) {
      const holder = this.#records.get(connection);
      const held = holder !== undefined && holder.retiredAt === undefined;
      const sorted = claims.toSorted((a, b) => (a.secret.name < b.secret.name ? -1 : 1));
      const same = held ? sorted.find(claim => claim.secret.name === holder.secret.name) : undefined;
      const silent = held && !same && !(await this.#isGone(holder));
      const winner = silent ? undefined : (same ?? sorted[0]);
      if (winner) settled.push(winner);
      for (const loser of sorted.filter(claim => claim !== winner)) {
        contested.add(loser.secret.name);
        this.#problem(loser.secret.name, 'name_taken', connection);
      }
    }
    return settled.map(({ secret: { name, key }, ...claim }) => ({
      ...claim,
      secret: { name, ...(key !== undefined && { key }), ...(contested.has(name) && { contested: true }) },
    }));
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
        version: version(0),
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
    const unread = new Set(this.#problems.filter(each => each.code === 'secret_unreadable').map(each => each.secret));
    return living(this.#records.values()).filter(
      record => !this.#claims.has(record.connection) && !unread.has(record.secret.name),
    );
  }

  /** Listings lag behind and can be incomplete: only the secret itself tells that it is gone. */
  async retire(record: Connection): Promise<void> {
    if (!(await this.#isGone(record))) return;
    const { connections, tokens } = this.#deps;
    const { connection } = record;
    const token = await tokens.get(connection).catch(() => undefined);
    await connections.retire(connection, this.#now);
    await tokens.withdraw(connection, version(Number.MAX_SAFE_INTEGER));
    this.#done.retired.push(connection);
    if (token) await this.#revoke(record, token);
  }

  outlived(): Connection[] {
    return [...this.#records.values()].filter(
      ({ connection, retiredAt }) =>
        retiredAt !== undefined && !this.#claims.has(connection) && retiredAt + RETIRED_FOR <= this.#now,
    );
  }

  /** The token once more, for a writer that was late when the connection retired; then the record. */
  async remove({ connection }: Connection): Promise<void> {
    await this.#deps.tokens.withdraw(connection, version(Number.MAX_SAFE_INTEGER));
    await this.#deps.connections.remove(connection);
    this.#done.removed.push(connection);
  }

  report(secrets: number): DiscoverReport {
    return { secrets, read: this.#read, connections: this.#claims.size, ...this.#done, problems: this.#problems };
  }

  async #isGone(record: Connection): Promise<boolean> {
    const value = await this.#deps.secrets.get(record.secret.name).catch(() => 'unreadable' as const);
    if (value === 'unreadable') return false;
    const parsed = parseSecretName(this.#deps.prefix, record.secret.name);
    if (!value || !parsed) return true;
    const content = connectionsIn({ name: record.secret.name, ...parsed }, value.text);
    return content.ok && !content.connections.has(record.connection);
  }

  /** Ends the tokens at the provider where it has a way to; a courtesy, so that a failure of it stops nothing. */
  async #revoke({ connection, session }: Connection, token: Token): Promise<void> {
    const provider = this.#deps.providers.find(each => each.id === providerOf(connection));
    if (!provider?.revoke) return;
    for (const each of [token.accessToken, session?.refreshToken]) {
      if (each !== undefined) await this.#deps.send(provider.revoke(token.baseUrl, each), 5000);
    }
  }

  #claim(claim: { connection: ConnectionId; secret: SecretRef; version: SecretVersion | undefined }): void {
    const claims = this.#claims.get(claim.connection) ?? [];
    claims.push({ ...claim, version: claim.version ?? secretVersion('') });
    this.#claims.set(claim.connection, claims);
  }

  #problem(secret: string, code: ProblemCode, connection?: ConnectionId): void {
    this.#problems.push({ secret, code, ...(connection && { connection }) });
  }
}

const living = (records: Iterable<Connection>): Connection[] =>
  [...records].filter(record => record.retiredAt === undefined);

const sameRef = (a: SecretRef, b: SecretRef): boolean =>
  a.name === b.name && a.key === b.key && (a.contested ?? false) === (b.contested ?? false);
