import type { Labels } from '../core/labels.ts';
import type { Provider } from '../core/provider.ts';
import { isInGrace } from '../core/retirement.ts';
import {
  areOfTwoSecrets,
  connectionsIn,
  parseSecretName,
  type SecretContent,
  type SecretName,
} from '../core/secret.ts';
import {
  type ConnectionId,
  type Listed,
  type SecretNote,
  type SecretVersion,
  secretOf,
  secretVersion,
} from '../core/types.ts';
import type { SecretListing, SecretSource } from '../ports.ts';

export interface InventoryDeps {
  readonly secrets: SecretSource;
  readonly providers: readonly Pick<Provider, 'id'>[];
  /** Ends with a slash: `token-refresher/`. */
  readonly prefix: string;
  /** How many connections one secret may hold. */
  readonly connectionsPerSecret: number;
}

export type SecretProblemCode =
  | 'bad_secret_name'
  | 'unknown_provider'
  | 'no_value'
  | 'secret_unreadable'
  | 'secret_malformed'
  | 'too_many_connections'
  | 'too_many_removed'
  | 'bad_connection_key'
  | 'bad_labels';

/** A secret may have this many records per connection: all of its keys may be replaced at once. */
const RECORDS_PER_CONNECTION = 2;

/**
 * One for each secret and code. Bad keys of `connections` are counted, not repeated: they may be misplaced credentials.
 */
export interface Problem {
  readonly secret: string;
  readonly code: SecretProblemCode;
  readonly count?: number;
}

/** The contents of the secrets. */
export class SecretInventory {
  readonly #deps: InventoryDeps;
  readonly #bySecret: ReadonlyMap<string, readonly Listed[]>;
  /** The existing connections, and what to note of their secret: undefined if it was not read or gives no answer. */
  readonly connections = new Map<ConnectionId, SecretNote | undefined>();
  readonly problems: Problem[] = [];
  /** Secrets that could not be read: their contents are not known. */
  readonly #unreadable = new Set<string>();
  /** The number of secrets whose value was read. */
  read = 0;

  constructor(deps: InventoryDeps, records: Iterable<Listed>) {
    this.#deps = deps;
    this.#bySecret = Map.groupBy(records, record => secretOf(record.connection));
  }

  /**
   * Takes stock of one listed secret. It is read unless all of its connections note its version, their number matches
   * the count in that version, and none of its retired connections may come back.
   */
  async look(listing: SecretListing): Promise<void> {
    const { prefix, providers } = this.#deps;
    const parsed = parseSecretName(prefix, listing.name);
    if (!parsed) return this.#problem(listing.name, 'bad_secret_name');
    if (!providers.some(({ id }) => id === parsed.provider)) return this.#problem(listing.name, 'unknown_provider');
    const all = this.#bySecret.get(parsed.secret) ?? [];
    const own = active(all);
    const { version } = listing;
    const noted = ({ discoveredVersion, secretKeys }: Listed) =>
      discoveredVersion === version && secretKeys === own.length;
    // An empty secret has no record to note its version.
    if (version !== undefined && own.length > 0 && own.every(noted) && !all.some(isInGrace)) {
      for (const { connection } of own) this.connections.set(connection, undefined);
      return;
    }
    if (!(await this.#open(listing.name, parsed, own))) this.#problem(listing.name, 'no_value');
  }

  /** The secrets to read directly: the list may lag, it does not contain them, and their connections may come back. */
  unlisted(listings: readonly SecretListing[]): readonly string[] {
    const listed = new Set(listings.map(({ name }) => name));
    const waiting = [...this.#bySecret].filter(([, records]) => records.some(isInGrace));
    return waiting.map(([secret]) => secret).filter(secret => !listed.has(`${this.#deps.prefix}${secret}`));
  }

  async lookAgain(secret: string): Promise<void> {
    const name = `${this.#deps.prefix}${secret}`;
    const parsed = parseSecretName(this.#deps.prefix, name);
    if (parsed) await this.#open(name, parsed, active(this.#bySecret.get(secret) ?? []));
  }

  /** Whether a retired connection may be back unnoticed: its secret could not be read. */
  mayBeBack(record: Listed): boolean {
    return isInGrace(record) && this.#unreadable.has(secretOf(record.connection));
  }

  /** Returns whether there is a value, or may be one. */
  async #open(name: string, { secret }: SecretName, own: readonly Listed[]): Promise<boolean> {
    this.read += 1;
    const value = await this.#deps.secrets.get(name).catch(() => 'unreadable' as const);
    if (value === 'unreadable') {
      this.#hold(own);
      this.#unreadable.add(secret);
      this.#problem(name, 'secret_unreadable');
      return true;
    }
    if (!value) return false;
    const content = connectionsIn(secret, value.text, this.#deps.connectionsPerSecret);
    if (content.ok) {
      const { connections, keys, badLabels } = content;
      const bad = keys - connections.size;
      if (bad > 0) this.problems.push({ secret: name, code: 'bad_connection_key', count: bad });
      if (badLabels > 0) this.problems.push({ secret: name, code: 'bad_labels', count: badLabels });
      // No secret holds zero connections: this one is read again until its labels are right.
      const note = { discoveredVersion: value.version, secretKeys: badLabels > 0 ? 0 : keys };
      for (const [connection, labels] of this.#withRoom(name, secret, connections)) {
        this.connections.set(connection, { ...note, labels });
      }
      return true;
    }
    this.#problem(name, content.code);
    if (content.code === 'too_many_connections') this.#hold(own, value.version);
    else {
      // Shown as a connection that needs attention instead of not at all. The secret is read again until it can be
      // parsed.
      const ids = own.length > 0 ? own.map(({ connection }) => connection) : [secret];
      const note = { discoveredVersion: value.version, secretKeys: 0, labels: {} };
      for (const connection of ids) this.connections.set(connection, note);
    }
    return true;
  }

  /** Records of removed keys stay for an hour or more. A secret that keeps changing its keys has to wait for them. */
  #withRoom(name: string, secret: string, connections: ReadonlyMap<ConnectionId, Labels>) {
    const known = new Set(this.#bySecret.get(secret)?.map(({ connection }) => connection));
    const added = [...connections.keys()].filter(connection => !known.has(connection));
    const room = Math.max(0, RECORDS_PER_CONNECTION * this.#deps.connectionsPerSecret - known.size);
    const refused = new Set(added.slice(room));
    if (refused.size > 0) this.problems.push({ secret: name, code: 'too_many_removed', count: refused.size });
    return [...connections].filter(([connection]) => !refused.has(connection));
  }

  /**
   * Keeps the connections as they are: the secret gives no answer that could change them, unless it is another secret.
   */
  #hold(own: readonly Listed[], current: SecretVersion = secretVersion('')): void {
    for (const { connection, discoveredVersion: noted } of own) {
      const another = areOfTwoSecrets(noted, current);
      this.connections.set(connection, another ? { discoveredVersion: current, secretKeys: 0, labels: {} } : undefined);
    }
  }

  #problem(secret: string, code: SecretProblemCode): void {
    this.problems.push({ secret, code });
  }
}

/**
 * Whether a connection is certainly gone, and perhaps replaced: if so, its own secret cannot come back. Only the secret
 * decides; one that cannot be read decides nothing.
 */
export const fateOf = async (
  { secrets, prefix }: Pick<InventoryDeps, 'secrets' | 'prefix'>,
  secret: string,
): Promise<(record: Listed) => 'there' | 'gone' | 'replaced'> => {
  const parsed = parseSecretName(prefix, `${prefix}${secret}`);
  const value = await secrets.get(`${prefix}${secret}`).catch(() => 'unreadable' as const);
  if (value === 'unreadable') return () => 'there';
  if (!value || !parsed) return () => 'gone';
  const content: SecretContent = connectionsIn(parsed.secret, value.text, Number.POSITIVE_INFINITY);
  return ({ connection, discoveredVersion: noted }) => {
    if (!content.ok || content.connections.has(connection)) return 'there';
    return areOfTwoSecrets(noted, value.version) ? 'replaced' : 'gone';
  };
};

export const active = (records: Iterable<Listed>): Listed[] =>
  [...records].filter(record => record.retiredAt === undefined);
