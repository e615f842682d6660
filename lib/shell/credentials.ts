import { RefresherError } from '../core/errors.ts';
import { isObject, jsonObject } from '../core/jwt.ts';
import type { Account, Provider } from '../core/provider.ts';
import { credentialsIn } from '../core/secret.ts';
import type { Trouble } from '../core/settle.ts';
import type { SecretRef, SecretVersion } from '../core/types.ts';
import type { SecretSource, SecretValue } from './ports.ts';

export interface Credentials {
  readonly account: Account;
  readonly version: SecretVersion;
}

/** `version` is absent where the secret could not be read at all. */
export type Read =
  | ({ readonly ok: true } & Credentials)
  | { readonly ok: false; readonly trouble: Trouble; readonly version?: SecretVersion };

/**
 * The secrets that a warm function has read, by name. There is no time limit: a copy is good until someone has seen
 * another version (`exists`), or the provider refuses what it holds (`again`).
 */
export class CredentialCache {
  readonly #source: SecretSource;
  readonly #values = new Map<string, SecretValue>();
  readonly #underway = new Map<string, Promise<SecretValue | undefined>>();

  constructor(source: SecretSource) {
    this.#source = source;
  }

  async read(provider: Provider, ref: SecretRef, exists: SecretVersion | undefined): Promise<Read> {
    const held = this.#values.get(ref.name);
    const current = held !== undefined && (exists === undefined || held.version === exists);
    return current ? open(provider, ref, held) : this.again(provider, ref);
  }

  /** Reads past the cache. Readers of one secret at one moment share one call of the secret store. */
  async again(provider: Provider, ref: SecretRef): Promise<Read> {
    try {
      const value = await this.#fetch(ref.name);
      return value ? open(provider, ref, value) : { ok: false, trouble: { kind: 'retry', code: 'secret_missing' } };
    } catch (error) {
      const code = error instanceof RefresherError ? error.code : 'secret_unreadable';
      return { ok: false, trouble: { kind: 'retry', code } };
    }
  }

  #fetch(name: string): Promise<SecretValue | undefined> {
    const underway = this.#underway.get(name);
    if (underway) return underway;
    const fetching = this.#source
      .get(name)
      .then(value => {
        if (value) this.#values.set(name, value);
        else this.#values.delete(name);
        return value;
      })
      .finally(() => this.#underway.delete(name));
    this.#underway.set(name, fetching);
    return fetching;
  }
}

const open = (provider: Provider, ref: SecretRef, value: SecretValue): Read => {
  const { version } = value;
  const json = jsonObject(value.text);
  if (!json) return { ok: false, version, trouble: { kind: 'refused', code: 'secret_malformed' } };
  if (ref.key === undefined && json.connections !== undefined) {
    // It holds many connections now, and which ones is for discovery to find out: it must not look known by its version.
    if (isObject(json.connections)) return { ok: false, trouble: { kind: 'retry', code: 'secret_missing' } };
    return { ok: false, version, trouble: { kind: 'refused', code: 'secret_malformed' } };
  }
  const own = credentialsIn(json, ref.key);
  if (own === undefined) return { ok: false, version, trouble: { kind: 'retry', code: 'secret_missing' } };
  const opened = provider.open(own);
  if (opened.ok) return { ok: true, account: opened.account, version };
  const fields = opened.problems.map(problem => problem.field);
  return { ok: false, version, trouble: { kind: 'refused', code: 'secret_invalid', fields } };
};
