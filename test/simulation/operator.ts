import type { Provider } from '../../lib/core/provider.ts';
import { minutes } from '../../lib/core/types.ts';
import type { ConnectionStore } from '../../lib/shell/ports.ts';
import type { Cloud } from './cloud.ts';
import type { Customer } from './customers.ts';
import type { Loop } from './loop.ts';
import { rejections } from './witness.ts';

interface Parts {
  readonly loop: Loop;
  readonly cloud: Cloud;
  readonly providers: readonly Provider[];
  readonly connections: ConnectionStore;
  readonly customers: readonly Customer[];
}

const ROUNDS = 5;

/** Once the firewall is mended, somebody has the connections tried that it kept from their provider. */
export class Operator {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): void {
    for (let round = 0; round < ROUNDS; round += 1) {
      this.#parts.loop.after(minutes(round), () => void this.#look());
    }
  }

  async #look(): Promise<void> {
    const { cloud, providers, connections, customers } = this.#parts;
    for (const { connection, provider: id } of customers) {
      const record = await connections.get(connection);
      const provider = providers.find(each => each.id === id);
      if (provider && record && rejections.has(record.lastError?.code))
        await cloud.refresh(provider, { ask: { kind: 'operator', connection, waits: false } });
    }
  }
}
