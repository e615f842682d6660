import { type EpochMs, minutes, plus, type Token } from '../../lib/core/types.ts';
import type { Stores } from '../kit/memory.ts';
import type { Customer } from './customers.ts';
import type { ProviderLedger } from './ledger.ts';
import type { Loop } from './loop.ts';
import { SIMULATION_START } from './network.ts';
import { RECOVERY, type SeedScenario } from './scenario.ts';
import { rejections, type Witness } from './witness.ts';

interface Parts {
  readonly loop: Loop;
  readonly scenario: SeedScenario;
  readonly customers: readonly Customer[];
  readonly ledger: ProviderLedger;
  readonly connections: Stores['connections'];
  readonly witness: Witness;
  readonly troubled: (from: EpochMs, to: EpochMs) => boolean;
  /** Whether a token comes from an earlier state of its table: it is replaced when it is read after its end. */
  readonly cameBack: (token: Token | undefined) => boolean;
  /** Whether so many different logins of a user were wrong that a corrected one has to wait for an operator. */
  readonly isUsedUp: (provider: string) => boolean;
}

/** With this many connections, a provider's rate limit delays them longer than anything else. */
const MANY = 10;

/** Also checks between two troubles: a connection without trouble for long enough must be well, not only at the end. */
export class Quiet {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): void {
    const { loop, scenario } = this.#parts;
    // A neighbour may use up the minority of the rate limit, which failing connections need.
    if (scenario.neighbour || scenario.connections >= MANY) return;
    const next = () => {
      if (loop.now >= scenario.calmFrom) return;
      void this.#look();
      loop.after(minutes(3), next);
    };
    loop.after(RECOVERY, next);
  }

  async #look(): Promise<void> {
    const { loop, scenario, customers, ledger, connections, witness, troubled, isUsedUp } = this.#parts;
    const since = plus(loop.now, -(RECOVERY + scenario.lag));
    if (since < SIMULATION_START || troubled(since, loop.now)) return;
    for (const customer of customers) {
      if (customer.state !== 'good' || customer.secretChanges.some(at => at > since)) continue;
      if (await witness.isWell(customer)) continue;
      const token = witness.published(customer.connection);
      if (this.#parts.cameBack(token) && loop.now - (token?.expiresAt ?? 0) < minutes(1)) continue;
      const { status, lastError } = (await connections.get(customer.connection)) ?? {};
      // Only an operator retries what a firewall rejected for long enough, or a login whose last answers were all lost.
      if (rejections.has(lastError?.code) || lastError?.code === 'login_in_use') continue;
      if (status === 'attention' && isUsedUp(customer.provider)) continue;
      ledger.violated(`${customer.connection}: not well, although nothing is wrong: ${status} (${lastError?.code})`);
    }
  }
}
