import { RefresherError } from '../core/errors.ts';
import { fingerprint } from '../core/fingerprint.ts';
import { isObject, jsonObject } from '../core/json.ts';
import type { Account, Provider } from '../core/provider.ts';
import { areOfTwoSecrets, credentialsIn, unknownFieldsIn } from '../core/secret.ts';
import type { RunFailure, Tried } from '../core/settle.ts';
import { type ConnectionId, keyOf, type Listed, type SecretVersion, secretOf } from '../core/types.ts';
import type { SecretSource, SecretValue } from '../ports.ts';
import type { Fingerprints } from './fingerprints.ts';

export interface Credentials {
  readonly account: Account;
  readonly version: SecretVersion;
  /** Of all fields that this connection uses. Other fields of its secret do not count. */
  readonly fingerprint: string;
  /** Identifies what a session is bound to: this secret, this key in it, and the address and client of the account. */
  readonly binding: string;
}

/** `tried` is absent if the secret could not be read at all. */
export type Read =
  | ({ readonly ok: true } & Credentials)
  | { readonly ok: false; readonly trouble: RunFailure; readonly tried?: Tried };

/** A secret that was read: parsed once, however many connections it holds. */
interface Opened extends Omit<SecretValue, 'text'> {
  /** Undefined if it is not a JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  readonly size: number;
}

const opened = ({ text, ...value }: SecretValue): Opened => ({ ...value, json: jsonObject(text), size: text.length });

/** The cache holds this many characters of secrets; beyond that it drops the secret that was read first. */
const LARGEST_CACHE = 16 * 1024 * 1024;

/**
 * The secrets that a warm function has read, by name. They have no time limit: a copy is valid until a run finds
 * another version in a record (`exists`), or the provider refuses the credentials in it (`again`).
 */
export class CredentialCache {
  readonly #source: SecretSource;
  readonly #fingerprints: Fingerprints;
  readonly #prefix: string;
  readonly #values = new Map<string, Opened>();
  #size = 0;
  readonly #underway = new Map<string, Promise<Opened | undefined>>();

  /** `prefix` ends with a slash: `token-refresher/`. */
  constructor(source: SecretSource, fingerprints: Fingerprints, prefix: string) {
    this.#source = source;
    this.#fingerprints = fingerprints;
    this.#prefix = prefix;
  }

  async read(provider: Provider, connection: ConnectionId, exists: SecretVersion | undefined): Promise<Read> {
    const held = this.#values.get(secretOf(connection));
    const current = held !== undefined && (exists === undefined || held.version === exists);
    return current ? this.#open(provider, connection, held) : this.again(provider, connection);
  }

  /** Reads past the cache. Readers of one secret at the same time share one call of the secret store. */
  async again(provider: Provider, connection: ConnectionId): Promise<Read> {
    let value: Opened | undefined;
    try {
      value = await this.#fetch(secretOf(connection));
    } catch (error) {
      const code = error instanceof RefresherError ? error.code : 'secret_unreadable';
      return { ok: false, trouble: { kind: 'retry', code } };
    }
    return value
      ? this.#open(provider, connection, value)
      : { ok: false, trouble: { kind: 'retry', code: 'secret_missing' } };
  }

  /**
   * Whether a connection is certainly gone from its secret, or the secret is another one than in the record. A secret
   * that cannot be read or parsed decides nothing.
   */
  async isGone({ connection, discoveredVersion }: Pick<Listed, 'connection' | 'discoveredVersion'>): Promise<boolean> {
    const value = await this.#fetch(secretOf(connection)).catch(() => 'unreadable' as const);
    if (value === 'unreadable') return false;
    if (!value || areOfTwoSecrets(discoveredVersion, value.version)) return true;
    return value.json !== undefined && !holds(value.json, keyOf(connection));
  }

  /** The keyed fingerprint of a text. Rejects if the store of the keys does. */
  async fingerprint(provider: Provider, text: string): Promise<string> {
    return (await this.#fingerprints.of(provider.id))(text);
  }

  async #open(provider: Provider, connection: ConnectionId, value: Opened): Promise<Read> {
    const fingerprint = await this.#fingerprints.of(provider.id).catch(() => undefined);
    if (!fingerprint) return { ok: false, trouble: { kind: 'retry', code: 'store_failed' } };
    return open(provider, connection, value, fingerprint);
  }

  #fetch(secret: string): Promise<Opened | undefined> {
    const underway = this.#underway.get(secret);
    if (underway) return underway;
    const fetching = this.#source
      .get(`${this.#prefix}${secret}`)
      .then(read => {
        const value = read && opened(read);
        this.#hold(secret, value);
        return value;
      })
      .finally(() => this.#underway.delete(secret));
    this.#underway.set(secret, fetching);
    return fetching;
  }

  #hold(secret: string, value: Opened | undefined): void {
    this.#drop(secret);
    if (!value) return;
    this.#values.set(secret, value);
    this.#size += value.size;
    for (const oldest of this.#values.keys()) {
      if (this.#size <= LARGEST_CACHE) return;
      this.#drop(oldest);
    }
  }

  #drop(secret: string): void {
    this.#size -= this.#values.get(secret)?.size ?? 0;
    this.#values.delete(secret);
  }
}

/** At most this many bad fields of a secret are named: their names come from its writer, and every list shows them. */
const MOST_FIELDS = 8;

const open = (
  provider: Provider,
  connection: ConnectionId,
  { arn, version, json }: Opened,
  keyed: (text: string) => string,
): Read => {
  const key = keyOf(connection);
  const nothing = (why: string) => ({ version, fingerprint: why });
  if (!json) return { ok: false, tried: nothing('malformed'), trouble: { kind: 'refused', code: 'secret_malformed' } };
  if (key === undefined && json.connections !== undefined) {
    // It holds many connections now. Discovery must find out which: do not mark this version as read.
    if (isObject(json.connections)) return { ok: false, trouble: { kind: 'retry', code: 'secret_missing' } };
    return { ok: false, tried: nothing('malformed'), trouble: { kind: 'refused', code: 'secret_malformed' } };
  }
  const own = credentialsIn(json, key);
  if (own === undefined)
    return { ok: false, tried: nothing('missing'), trouble: { kind: 'retry', code: 'secret_missing' } };
  const tried = { version, fingerprint: keyed(effective(provider, own)) };
  const result = provider.open(own);
  if (result.ok) {
    const { account } = result;
    const binding = fingerprint([arn, key ?? '', account.sessionBinding ?? ''].join('\0'));
    return { ok: true, account, ...tried, binding };
  }
  const fields = result.problems.slice(0, MOST_FIELDS).map(problem => problem.field);
  return { ok: false, tried, trouble: { kind: 'refused', code: 'secret_invalid', fields } };
};

/** Whether a secret holds a connection, or may hold it: `connections` that is not an object decides nothing. */
const holds = ({ connections }: Readonly<Record<string, unknown>>, key: string | undefined): boolean => {
  if (connections === undefined) return key === undefined;
  return !isObject(connections) || (key !== undefined && Object.hasOwn(connections, key));
};

/** The fields that the provider reads, sorted, and those that it refuses as unknown. */
const effective = ({ fields }: Provider, own: unknown): string => {
  if (!isObject(own)) return JSON.stringify(own);
  const known = [...fields.required, ...fields.optional];
  const read = known.toSorted().map(field => [field, own[field]]);
  return JSON.stringify([...read, ...unknownFieldsIn(known, own).toSorted()]);
};
