import { CONNECTIONS_PER_SECRET } from '../../lib/core/secret.ts';
import { type ConnectionId, hours, minutes } from '../../lib/core/types.ts';
import type { SecretSource } from '../../lib/ports.ts';
import type { createSimulators } from '../../local/simulators/index.ts';
import type { SecretAdmin } from '../kit/memory.ts';
import { Customer, Pack, type SecretState } from './customers.ts';
import type { Faults } from './faults.ts';
import type { ProviderLedger } from './ledger.ts';
import type { Loop } from './loop.ts';
import type { Random } from './random.ts';
import type { SeedScenario } from './scenario.ts';

/** The customers of a run. The first one of iOFFICE may not allow a login to be stored. */
export const customersOf = (
  { providers, connections, browser, packed }: SeedScenario,
  url: string,
  secrets: SecretSource & SecretAdmin,
): readonly Customer[] =>
  providers.flatMap(({ id }) => {
    let pack = new Pack(0);
    return Array.from({ length: connections }, (_, n) => {
      if (pack.members.length === CONNECTIONS_PER_SECRET) pack = new Pack(n);
      const byBrowser = browser && id === 'ioffice' && n === 0;
      const how = { browser: byBrowser, ...(packed && !byBrowser && { pack }) };
      return new Customer(id, `customer-${n}`, url, secrets, how);
    });
  });

interface Parts {
  readonly loop: Loop;
  readonly faults: Faults;
  readonly random: Random;
  readonly scenario: SeedScenario;
  readonly customers: readonly Customer[];
  readonly ledger: ProviderLedger;
  readonly simulators: ReturnType<typeof createSimulators>;
}

/** People change passwords, break secrets, delete them and correct them; and providers end their sessions. */
export class People {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async begin(): Promise<void> {
    const { customers, scenario } = this.#parts;
    for (const customer of customers) await this.#putRight(customer);
    if (scenario.secretsChange) this.#meddling();
    if (scenario.sessionsEnd) this.#endingSessions();
  }

  #meddling(): void {
    const { loop, random, customers, scenario } = this.#parts;
    const next = () => {
      if (loop.now >= scenario.calmFrom) return;
      void this.#meddle(random.pick(customers as [Customer, ...Customer[]]));
      loop.after(random.between(minutes(10), hours(4)), next);
    };
    loop.after(random.between(minutes(5), hours(1)), next);
  }

  async #meddle(customer: Customer): Promise<void> {
    const { loop, faults, random } = this.#parts;
    if (customer.state !== 'good') return this.#putRight(customer);
    faults.count('secret changed');
    if (!customer.browser && random.chance(0.4)) {
      customer.changePassword();
      // Until the new password is stored, the secret is wrong without having changed.
      customer.history.push({ at: loop.now, state: 'wrong password' });
      loop.after(random.between(0, minutes(30)), () => void this.#repair(customer));
      return;
    }
    const anyone = ['broken JSON', 'deleted'] as const;
    const bad: readonly [SecretState, ...SecretState[]] = customer.browser
      ? anyone
      : [...anyone, 'wrong password', 'missing field'];
    await customer.store(random.pick(bad), loop.now);
  }

  /** Corrects every wrong secret. */
  async repair(): Promise<void> {
    for (const customer of this.#parts.customers) await this.#repair(customer);
  }

  async #repair(customer: Customer): Promise<void> {
    if (customer.state !== 'good') await this.#putRight(customer);
  }

  async #putRight(customer: Customer): Promise<void> {
    const { loop, random } = this.#parts;
    const deleted = customer.history.length > 0 && customer.state === 'deleted';
    if (deleted) {
      const asItWas = await customer.restore(loop.now);
      if (asItWas === 'good' && !customer.browser && random.chance(0.5)) return;
    }
    await customer.store('good', loop.now, customer.browser ? this.#logIn(customer) : undefined);
  }

  /**
   * A connection needs a person: with a browser login, the person logs in again. The others wait for the repair of the
   * secret.
   */
  reported(connection: ConnectionId): void {
    const { loop, random, customers } = this.#parts;
    const customer = customers.find(each => each.connection === connection);
    if (customer?.browser) loop.after(random.between(minutes(1), minutes(8)), () => void this.#putRight(customer));
  }

  /** A person logs in in a browser and takes the code from the address. */
  #logIn(customer: Customer): string {
    const { clientId = '', redirectUri = '', scope = '' } = customer.account.fields;
    const query = new URLSearchParams({ response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope });
    const { headers } = this.#parts.simulators.handle({
      method: 'GET',
      path: `/ioffice/login.html?${query}`,
      headers: {},
      body: '',
    });
    const code = new URLSearchParams(headers.location?.split('#')[1]).get('code');
    if (!code) throw new Error('the simulator gave no code');
    this.#parts.ledger.handedIn(code);
    return code;
  }

  /** From then on all issued refresh tokens are refused, or one of them. */
  #endingSessions(): void {
    const { loop, faults, random, simulators, scenario } = this.#parts;
    const next = () => {
      if (loop.now >= scenario.calmFrom) return;
      const one = random.chance(0.5) ? random.next() : undefined;
      faults.count(one === undefined ? 'sessions ended' : 'refresh token revoked');
      const states = Object.entries(simulators.state.get());
      const left =
        ({ length }: readonly unknown[]) =>
        (_: unknown, n: number) =>
          one !== undefined && n !== Math.floor(one * length);
      simulators.state.restore(
        Object.fromEntries(
          states.map(([id, state]) => [
            id,
            { ...state, refreshTokens: state.refreshTokens.filter(left(state.refreshTokens)) },
          ]),
        ),
      );
      loop.after(random.between(hours(1), hours(12)), next);
    };
    loop.after(random.between(minutes(30), hours(6)), next);
  }
}
