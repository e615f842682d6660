import { type ConnectionId, minutes, type Token } from '../../lib/core/types.ts';
import { type createSimulators, sendTo } from '../../local/simulators/index.ts';
import { type Reply, type SimulatedCloud, tokenPathOf } from './cloud.ts';
import type { Customer } from './customers.ts';
import type { ProviderLedger } from './ledger.ts';
import type { Loop } from './loop.ts';
import type { Random } from './random.ts';
import type { SeedScenario } from './scenario.ts';

interface Parts {
  readonly loop: Loop;
  readonly random: Random;
  readonly scenario: SeedScenario;
  readonly customers: readonly Customer[];
  readonly cloud: SimulatedCloud;
  readonly simulators: ReturnType<typeof createSimulators>;
  readonly url: string;
  readonly ledger: ProviderLedger;
  /** The published token of a customer. */
  readonly published: (customer: Customer) => Token | undefined;
  readonly say: (line: string) => void;
  /** Whether a token comes from an earlier state of its table. */
  readonly cameBack: (token: Token | undefined) => boolean;
}

/** The checked part of the API's answer with a token. */
interface Served {
  readonly expiresAt: string;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Consumers who read tokens from the API and use them. */
export class Readers {
  readonly #parts: Parts;
  reads = 0;
  /** Connections whose token a reader has reported as refused by the provider. */
  readonly forced = new Set<ConnectionId>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): void {
    const { loop, random, customers, scenario } = this.#parts;
    const next = () => {
      void this.read(random.pick(customers as [Customer, ...Customer[]]));
      loop.after(random.between(0, 2 * scenario.readEvery), next);
    };
    loop.after(minutes(1), next);
  }

  async read(customer: Customer): Promise<void> {
    const { loop, random, scenario, cloud, published, ledger, say } = this.#parts;
    const { connection } = customer;
    const before = published(customer);
    const troubled = loop.now < scenario.calmFrom;
    const forced = troubled && random.chance(0.03);
    const minTtl = troubled && random.chance(0.2) ? { minTtl: random.pick(['120', '900', '7200']) } : {};
    const { status, body, skew, struck } = await (forced
      ? this.#force(customer, before)
      : cloud.request('GET', tokenPathOf(connection), minTtl));
    this.reads += 1;
    if (status === 200) return this.#use(customer, JSON.parse(body) as Served);
    say(body);
    // If the store fails, nobody can read.
    if (forced || struck) return;
    const isValid = before === published(customer) && (before?.expiresAt ?? 0) > loop.now + 2 * Math.abs(skew);
    if (isValid) ledger.violated(`${connection}: a reader was refused a valid token (${status})`);
  }

  /** Requests a newer token than one that a provider refused. */
  #force({ connection }: Customer, refused: Token | undefined): Promise<Reply> {
    const { cloud, loop } = this.#parts;
    this.forced.add(connection);
    const issuedAt = new Date(refused?.issuedAt ?? loop.now).toISOString();
    return cloud.request('POST', tokenPathOf(connection), {}, { issuedAt });
  }

  #use(customer: Customer, { expiresAt, baseUrl, headers }: Served): void {
    const { connection, browser } = customer;
    const { loop, scenario, simulators, url, ledger } = this.#parts;
    const left = Date.parse(expiresAt) - loop.now;
    if (left <= -scenario.maxSkew) ledger.violated(`${connection}: a reader got an expired token`);
    // A reader with a wrong clock is wrong about the last moments; and a provider ends all tokens of an only copy that
    // was sent twice.
    if (left <= 2 * scenario.maxSkew || (browser && ledger.reused)) return;
    const reply = sendTo(simulators, url, { method: 'GET', url: `${baseUrl}/anything`, headers });
    // A provider over its rate limit says nothing about the token.
    if (reply.kind === 'answer' && [200, 429].includes(reply.status)) return;
    // The token of an ended connection was restored; nobody uses it.
    if (customer.state === 'deleted') return;
    const token = this.#parts.published(customer);
    if (this.#parts.cameBack(token)) void this.#force(customer, token);
    else ledger.violated(`${connection}: a reader got a token that its provider does not take`);
  }
}
