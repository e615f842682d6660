import type { Provider } from '../core/provider.ts';
import {
  areOfTwoSecrets,
  connectionsIn,
  parseSecretName,
  type SecretContent,
  type SecretName,
} from '../core/secret.ts';
import { type ConnectionId, type Listed, type SecretVersion, secretOf, secretVersion } from '../core/types.ts';
import type { SecretListing, SecretSource } from './ports.ts';

export interface InventoryDeps {
  readonly secrets: SecretSource;
  readonly providers: readonly Provider[];
  /** Ends with a slash: `token-refresher/`. */
  readonly prefix: string;
  /** How many connections one secret may hold. */
  readonly connectionsPerSecret: number;
}

export type ProblemCode =
  | 'bad_secret_name'
  | 'unknown_provider'
  | 'no_value'
  | 'secret_unreadable'
  | 'secret_malformed'
  | 'too_many_connections'
  | 'too_many_removed'
  | 'bad_connection_key';

/** A secret has so many times as many records as it may hold connections: all of its keys may be replaced at once. */
const RECORDS_PER_CONNECTION = 2;

/** One for each secret and code. A bad key of `connections` is counted, not repeated: it may be a misplaced credential. */
export interface Problem {
  readonly secret: string;
  readonly code: ProblemCode;
  readonly count?: number;
}

/** What the listed secrets hold. */
export class SecretInventory {
  readonly #deps: InventoryDeps;
  readonly #bySecret: ReadonlyMap<string, readonly Listed[]>;
  /** The connections that there are, and the version of their secret. */
  readonly connections = new Map<ConnectionId, SecretVersion>();
  readonly problems: Problem[] = [];
  /** The secrets with keys that have no room yet. */
  readonly full = new Set<string>();
  /** Secrets whose value was asked for. */
  read = 0;

  constructor(deps: InventoryDeps, records: Iterable<Listed>) {
    this.#deps = deps;
    this.#bySecret = Map.groupBy(records, record => secretOf(record.connection));
  }

  /** Takes stock of one listed secret. One whose current version is noted on each of its records is not read again. */
  async look(listing: SecretListing): Promise<void> {
    const { prefix, providers } = this.#deps;
    const parsed = parseSecretName(prefix, listing.name);
    if (!parsed) return this.#problem(listing.name, 'bad_secret_name');
    if (!providers.some(({ id }) => id === parsed.provider)) return this.#problem(listing.name, 'unknown_provider');
    const all = this.#bySecret.get(parsed.secret) ?? [];
    const own = active(all);
    const { version } = listing;
    const noted = own.length > 0 && own.every(({ secretVersion }) => secretVersion === version);
    // What waits for the end of a connection of its name is not among its own.
    const waits = all.some(({ replacedAt }) => replacedAt !== undefined);
    if (version !== undefined && noted && !waits) {
      for (const { connection } of own) this.connections.set(connection, version);
      return;
    }
    await this.#open(listing.name, parsed, own);
  }

  async #open(name: string, { secret }: SecretName, own: readonly Listed[]): Promise<void> {
    this.read += 1;
    const value = await this.#deps.secrets.get(name).catch(() => 'unreadable' as const);
    if (value === 'unreadable') {
      this.#hold(own);
      return this.#problem(name, 'secret_unreadable');
    }
    if (!value) return this.#problem(name, 'no_value');
    const content = connectionsIn(secret, value.text, this.#deps.connectionsPerSecret);
    if (content.ok) {
      if (content.badKeys > 0) this.problems.push({ secret: name, code: 'bad_connection_key', count: content.badKeys });
      for (const connection of this.#withRoom(name, secret, content.connections)) {
        this.connections.set(connection, value.version);
      }
      return;
    }
    this.#problem(name, content.code);
    if (content.code === 'too_many_connections') return this.#hold(own, value.version);
    // Visible as a connection that needs attention, rather than not at all.
    const ids = own.length > 0 ? own.map(({ connection }) => connection) : [secret];
    for (const connection of ids) this.connections.set(connection, value.version);
  }

  /** Removed keys stay as records for an hour or more: a secret whose keys change all the time has to wait for these. */
  #withRoom(name: string, secret: string, connections: ReadonlySet<ConnectionId>): readonly ConnectionId[] {
    const known = new Set(this.#bySecret.get(secret)?.map(({ connection }) => connection));
    const added = [...connections].filter(connection => !known.has(connection));
    const room = Math.max(0, RECORDS_PER_CONNECTION * this.#deps.connectionsPerSecret - known.size);
    const refused = new Set(added.slice(room));
    if (refused.size > 0) {
      this.full.add(secret);
      this.problems.push({ secret: name, code: 'too_many_removed', count: refused.size });
    }
    return [...connections].filter(connection => !refused.has(connection));
  }

  /** What is known stays as it is: the secret gives no answer that could change it, unless it is another one. */
  #hold(own: readonly Listed[], seen: SecretVersion = secretVersion('')): void {
    for (const { connection, secretVersion: noted = secretVersion('') } of own) {
      this.connections.set(connection, areOfTwoSecrets(noted, seen) ? seen : noted);
    }
  }

  #problem(secret: string, code: ProblemCode): void {
    this.problems.push({ secret, code });
  }
}

/** Whether a connection is surely gone. Only its secret says so; one that cannot be read says nothing. */
export const isGone = async (
  { secrets, prefix }: Pick<InventoryDeps, 'secrets' | 'prefix'>,
  secret: string,
): Promise<(connection: ConnectionId) => boolean> => {
  const parsed = parseSecretName(prefix, `${prefix}${secret}`);
  const value = await secrets.get(`${prefix}${secret}`).catch(() => 'unreadable' as const);
  if (value === 'unreadable') return () => false;
  if (!value || !parsed) return () => true;
  const content: SecretContent = connectionsIn(parsed.secret, value.text, Number.POSITIVE_INFINITY);
  return connection => content.ok && !content.connections.has(connection);
};

export const active = (records: Iterable<Listed>): Listed[] =>
  [...records].filter(record => record.retiredAt === undefined);
