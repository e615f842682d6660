import { type ConnectionId, type EpochMs, epochMs, parseConnectionId } from '../../lib/core/types.ts';
import { idOf, type SimulatedAccount, simulatedAccount } from '../../local/simulators/accounts.ts';
import type { SecretAdmin } from '../support/memory.ts';

/** What the secret of a customer is like at the moment. */
export type SecretState = 'good' | 'wrong password' | 'broken JSON' | 'missing field' | 'deleted';

/** The field whose value a person gets wrong. */
const passwordField: Readonly<Record<string, string>> = {
  'poweroffice-v1': 'clientKey',
  'poweroffice-v2': 'clientKey',
  officernd: 'clientSecret',
  powerepos: 'password',
  petrosoft: 'password',
  ioffice: 'password',
};

/** One customer at one provider: an account that can change its password, and a secret that may or may not follow. */
export class Customer {
  readonly connection: ConnectionId;
  readonly account: SimulatedAccount;
  readonly browser: boolean;
  readonly #url: string;
  readonly #secrets: SecretAdmin;
  #fields: Readonly<Record<string, string>>;
  #generation = 0;
  /** Every change of the secret, so that a verdict can be held against the truth of its time. */
  readonly history: { readonly at: EpochMs; readonly state: SecretState }[] = [];

  constructor(provider: string, name: string, url: string, secrets: SecretAdmin, browser: boolean) {
    const base = simulatedAccount(provider, name);
    this.#fields = base.fields;
    this.account = Object.defineProperty({ ...base }, 'fields', { get: () => this.#fields, enumerable: true });
    const connection = parseConnectionId(idOf(base));
    if (!connection) throw new Error('the name is one');
    this.connection = connection;
    this.browser = browser;
    this.#url = url;
    this.#secrets = secrets;
  }

  get provider(): string {
    return this.account.provider;
  }
  get #secretName(): string {
    return `token-refresher/${this.connection}`;
  }
  get #passwordField(): string {
    return passwordField[this.provider] ?? '';
  }
  get changedAt(): EpochMs {
    return this.history.at(-1)?.at ?? epochMs(0);
  }
  get state(): SecretState {
    return this.history.at(-1)?.state ?? 'deleted';
  }

  /** The provider gets a new password; the secret knows the old one until it is stored anew. */
  changePassword(): void {
    this.#generation += 1;
    const field = this.#passwordField;
    this.#fields = { ...this.#fields, [field]: `${this.#fields[field]}-${this.#generation}` };
  }

  /** Stores the secret in some state; `code` where a person logged in in a browser. */
  async store(state: SecretState, now: EpochMs, code?: string): Promise<void> {
    this.history.push({ at: now, state });
    if (state === 'deleted') return this.#secrets.delete(this.#secretName);
    await this.#secrets.put(this.#secretName, this.#text(state, code));
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
    if (state === 'wrong password') fields[this.#passwordField] = 'made-up-wrong-password';
    if (state === 'missing field') delete fields[this.#passwordField];
    return JSON.stringify(fields);
  }

  /** A deleted secret comes back as it was. */
  async restore(now: EpochMs): Promise<SecretState> {
    await this.#secrets.restore(this.#secretName);
    const state = this.history.at(-2)?.state ?? 'good';
    this.history.push({ at: now, state });
    return state;
  }

  /** Whether the secret was in such a state at some moment between the two. */
  was(such: (state: SecretState) => boolean, from: EpochMs, to: EpochMs): boolean {
    return this.history.some(({ at, state }, n) => {
      const until = this.history[n + 1]?.at ?? Number.POSITIVE_INFINITY;
      return such(state) && at <= to && until >= from;
    });
  }
}
