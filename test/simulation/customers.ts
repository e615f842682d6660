import {
  type ConnectionId,
  type EpochMs,
  epochMs,
  type Milliseconds,
  minutes,
  parseConnectionId,
  type SecretVersion,
  secretOf,
} from '../../lib/core/types.ts';
import type { SecretSource } from '../../lib/ports.ts';
import { type SimulatedAccount, simulatedAccount, simulatedIdOf } from '../../local/simulators/accounts.ts';
import type { SecretAdmin } from '../kit/memory.ts';

/** The present state of a customer's secret. */
export type SecretState = 'good' | 'wrong password' | 'broken JSON' | 'missing field' | 'deleted';

/** The field that people get wrong. */
export const passwordField: Readonly<Record<string, string>> = {
  'poweroffice-v1': 'clientKey',
  'poweroffice-v2': 'clientKey',
  officernd: 'clientSecret',
  powerepos: 'password',
  petrosoft: 'password',
  ioffice: 'password',
};

/** The customers that share a secret. */
export class Pack {
  readonly secret: string;
  readonly members: Customer[] = [];
  /** The customer misspelled the name of a key that they added. */
  misspelled = false;

  /** `first`: the number of its first customer. */
  constructor(first: number) {
    this.secret = first === 0 ? 'shared' : `shared-${first}`;
  }
}

/** One customer at one provider: an account whose password can change, and a secret that may not follow. */
export class Customer {
  readonly connection: ConnectionId;
  readonly account: SimulatedAccount;
  readonly browser: boolean;
  readonly #url: string;
  readonly #secrets: SecretSource & SecretAdmin;
  readonly #pack: Pack | undefined;
  #fields: Readonly<Record<string, string>>;
  #generation = 0;
  #code: string | undefined;
  /** How often the password was mistyped, each time differently. */
  #mistyped = 0;
  /** Every change of the secret: a verdict is compared with the truth of its time. */
  readonly history: { readonly at: EpochMs; readonly state: SecretState }[] = [];

  constructor(
    provider: string,
    name: string,
    url: string,
    secrets: SecretSource & SecretAdmin,
    { browser, pack }: { readonly browser: boolean; readonly pack?: Pack },
  ) {
    const base = simulatedAccount(provider, name, pack ? { secret: pack.secret } : {});
    this.#fields = base.fields;
    this.account = Object.defineProperty({ ...base }, 'fields', { get: () => this.#fields, enumerable: true });
    const connection = parseConnectionId(simulatedIdOf(base));
    if (!connection) throw new Error('the name is one');
    this.connection = connection;
    this.browser = browser;
    this.#pack = pack;
    pack?.members.push(this);
    this.#url = url;
    this.#secrets = secrets;
  }

  /** The password; only the provider and the product may see it. */
  get password(): string {
    return this.#fields[this.#passwordField] ?? '';
  }
  get packed(): boolean {
    return this.#pack !== undefined;
  }
  get provider(): string {
    return this.account.provider;
  }
  get #secretName(): string {
    return `token-refresher/${secretOf(this.connection)}`;
  }
  get #passwordField(): string {
    return passwordField[this.provider] ?? '';
  }
  get changedAt(): EpochMs {
    return this.history.at(-1)?.at ?? epochMs(0);
  }
  /** When its secret changed, even for another customer that shares it: all of them are tried again. */
  get secretChanges(): readonly EpochMs[] {
    return (this.#pack?.members ?? [this]).flatMap(({ history }) => history.map(({ at }) => at));
  }
  get state(): SecretState {
    return this.history.at(-1)?.state ?? 'deleted';
  }

  /** The provider gets a new password; the secret keeps the old one until it is stored again. */
  changePassword(): void {
    this.#generation += 1;
    const field = this.#passwordField;
    this.#fields = { ...this.#fields, [field]: `${this.#fields[field]}-${this.#generation}` };
  }

  /** Stores the secret in some state; `code` after a login in a browser. */
  async store(state: SecretState, now: EpochMs, code?: string): Promise<void> {
    // A shared secret that is not JSON would be everyone's trouble.
    this.history.push({ at: now, state: this.#pack && state === 'broken JSON' ? 'missing field' : state });
    this.#code = code;
    if (this.#pack) return this.#secrets.put(this.#secretName, this.#packedText(this.#pack));
    if (state === 'deleted') return this.#secrets.delete(this.#secretName);
    await this.#secrets.put(this.#secretName, this.#text(state, code));
  }

  /**
   * Stores a password with a mistake in it. Returns the version that is current now, and a function that restores the
   * one before.
   */
  async mistype(
    now: EpochMs,
  ): Promise<{ version: SecretVersion | undefined; rollBack: (now: EpochMs) => Promise<boolean> }> {
    const current = async () => this.#secrets.get(this.#secretName);
    const before = await current();
    this.#mistyped += 1;
    await this.store('wrong password', now);
    const version = (await current())?.version;
    const rollBack = async (at: EpochMs): Promise<boolean> => {
      if (!before || this.state !== 'wrong password' || (await current())?.version !== version) return false;
      await this.#secrets.put(this.#secretName, before.text, before.version);
      this.history.push({ at, state: 'good' });
      return true;
    };
    return { version, rollBack };
  }

  /** Changes all customers of the secret at once, like a mistake in a shared field. */
  async storeAll(from: SecretState, to: SecretState, now: EpochMs): Promise<void> {
    if (!this.#pack) return this.store(to, now);
    for (const { state, history } of this.#pack.members) if (state === from) history.push({ at: now, state: to });
    await this.#secrets.put(this.#secretName, this.#packedText(this.#pack));
  }

  /** Adds a key that is not a valid name to the secret, or removes it. */
  async misspell(misspelled: boolean, now: EpochMs): Promise<void> {
    if (!this.#pack) return;
    this.#pack.misspelled = misspelled;
    this.history.push({ at: now, state: this.state });
    await this.#secrets.put(this.#secretName, this.#packedText(this.#pack));
  }

  #packedText({ members, misspelled }: Pack): string {
    const stored = members.filter(({ state }) => state !== 'deleted');
    const texts = stored.map(each => [each.account.name, JSON.parse(each.#text(each.state, each.#code))]);
    return JSON.stringify({ connections: Object.fromEntries(misspelled ? [...texts, ['mis spelled', {}]] : texts) });
  }

  #text(state: SecretState, code: string | undefined): string {
    if (state === 'broken JSON') return `{"${this.#passwordField}": "${this.#fields[this.#passwordField]}"`;
    const { username, password, ...shared } = this.#fields;
    const login = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
    const fields: Record<string, string> = {
      ...shared,
      ...(this.browser && code !== undefined ? { authorizationCode: code } : login),
      baseUrl: `${this.#url}/${this.provider}`,
    };
    if (state === 'wrong password') fields[this.#passwordField] = `made-up-wrong-password${this.#mistyped || ''}`;
    if (state === 'missing field') delete fields[this.#passwordField];
    return JSON.stringify(fields);
  }

  /** Restores a deleted secret. */
  async restore(now: EpochMs): Promise<SecretState> {
    const state = this.history.at(-2)?.state ?? 'good';
    if (this.#pack) await this.store(state, now, this.#code);
    else {
      await this.#secrets.restore(this.#secretName);
      this.history.push({ at: now, state });
    }
    return state;
  }

  /** Whether the secret, or its key, was away for this long, at `to` or shortly before, for any time of a discovery. */
  wasAway(duration: Milliseconds, to: EpochMs): boolean {
    let since: EpochMs | undefined;
    for (const [n, { at, state }] of this.history.entries()) {
      const until = this.history[n + 1]?.at ?? to;
      if (state === 'deleted') {
        since ??= at;
        if (since <= to - duration && until >= to - minutes(2)) return true;
      } else if (until - at > minutes(2)) since = undefined;
    }
    return false;
  }

  /** Whether the secret was in such a state at some time between the two. */
  was(such: (state: SecretState) => boolean, from: EpochMs, to: EpochMs): boolean {
    return this.history.some(({ at, state }, n) => {
      const until = this.history[n + 1]?.at ?? Number.POSITIVE_INFINITY;
      return such(state) && at <= to && until >= from;
    });
  }
}
