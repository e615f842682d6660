import type { Provider } from '../core/provider.ts';
import { connectionsIn, parseSecretName } from '../core/secret.ts';
import {
  type Connection,
  type ConnectionId,
  type SecretRef,
  type SecretVersion,
  secretVersion,
} from '../core/types.ts';
import type { SecretListing, SecretSource } from './ports.ts';

export interface ClaimsDeps {
  readonly secrets: SecretSource;
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

/** A secret holds a connection, or says so. */
export interface Claimed {
  readonly connection: ConnectionId;
  readonly secret: SecretRef;
  readonly version: SecretVersion;
}

/** What the secrets of one discovery claim to be connections. */
export class Claims {
  readonly #deps: ClaimsDeps;
  readonly #records: ReadonlyMap<ConnectionId, Connection>;
  readonly #bySecret: ReadonlyMap<string, readonly Connection[]>;
  readonly #claims = new Map<ConnectionId, Claimed[]>();
  readonly problems: Problem[] = [];
  /** Secrets whose value was asked for. */
  read = 0;

  constructor(deps: ClaimsDeps, records: ReadonlyMap<ConnectionId, Connection>) {
    this.#deps = deps;
    this.#records = records;
    this.#bySecret = Map.groupBy(living(records.values()), record => record.secret.name);
  }

  get connections(): number {
    return this.#claims.size;
  }
  has(connection: ConnectionId): boolean {
    return this.#claims.has(connection);
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
    this.read += 1;
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
  async settled(): Promise<Claimed[]> {
    const settled: Claimed[] = [];
    const contested = new Set<string>();
    for (const [connection, claims] of this.#claims) {
      const holder = this.#records.get(connection);
      const held = holder !== undefined && holder.retiredAt === undefined;
      const sorted = claims.toSorted((a, b) => (a.secret.name < b.secret.name ? -1 : 1));
      const same = held ? sorted.find(claim => claim.secret.name === holder.secret.name) : undefined;
      const silent = held && !same && !(await this.isGone(holder));
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

  /** Only the secret itself tells that a connection is gone, and one that cannot be read tells nothing. */
  async isGone(record: Connection): Promise<boolean> {
    const value = await this.#deps.secrets.get(record.secret.name).catch(() => 'unreadable' as const);
    if (value === 'unreadable') return false;
    const parsed = parseSecretName(this.#deps.prefix, record.secret.name);
    if (!value || !parsed) return true;
    const content = connectionsIn({ name: record.secret.name, ...parsed }, value.text);
    return content.ok && !content.connections.has(record.connection);
  }

  #claim(claim: { connection: ConnectionId; secret: SecretRef; version: SecretVersion | undefined }): void {
    const claims = this.#claims.get(claim.connection) ?? [];
    claims.push({ ...claim, version: claim.version ?? secretVersion('') });
    this.#claims.set(claim.connection, claims);
  }

  #problem(secret: string, code: ProblemCode, connection?: ConnectionId): void {
    this.problems.push({ secret, code, ...(connection && { connection }) });
  }
}

export const living = (records: Iterable<Connection>): Connection[] =>
  [...records].filter(record => record.retiredAt === undefined);
