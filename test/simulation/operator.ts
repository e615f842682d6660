import type { Provider } from '../../lib/core/provider.ts';
import { minutes, type SecretVersion, seconds, secretOf } from '../../lib/core/types.ts';
import type { ConnectionStore, SecretSource } from '../../lib/ports.ts';
import type { SimulatedCloud } from './cloud.ts';
import type { Customer } from './customers.ts';
import type { Loop } from './loop.ts';
import { rejections } from './witness.ts';

interface Parts {
  readonly loop: Loop;
  readonly cloud: SimulatedCloud;
  readonly providers: readonly Provider[];
  readonly connections: ConnectionStore;
  readonly secrets: SecretSource;
  readonly customers: readonly Customer[];
  /** Whether so many different logins of a user were wrong that a corrected one has to wait. */
  readonly isUsedUp: (provider: string) => boolean;
}

/** Minutes in which the operator looks: a waiting connection may only show it once it is due again. */
const ROUNDS = 12;

/**
 * An operator who retries connections: after a firewall is repaired; if a login waits because the outcome of the last
 * tries is unknown, or because too many different ones were wrong; and after the operator has changed a secret.
 */
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
    const { connections, customers, isUsedUp } = this.#parts;
    for (const customer of customers) {
      const { status, lastError } = (await connections.get(customer.connection)) ?? {};
      const isHeldBack = status === 'attention' && isUsedUp(customer.provider);
      if (rejections.has(lastError?.code) || lastError?.code === 'login_in_use' || isHeldBack)
        await this.#retry(customer);
    }
  }

  async #retry({ connection, provider: id }: Customer): Promise<void> {
    const { cloud, providers } = this.#parts;
    const provider = providers.find(each => each.id === id);
    if (provider) await cloud.refresh(provider, { request: { kind: 'operator', connection, waits: false } });
  }

  async versionOf({ connection }: Customer): Promise<SecretVersion | undefined> {
    return (await this.#parts.secrets.get(`token-refresher/${secretOf(connection)}`))?.version;
  }

  /**
   * Retries a connection until a version of its secret was tried, at most this many times, while the version is the
   * current one.
   */
  async hasTried(customer: Customer, version: SecretVersion, times: number): Promise<boolean> {
    const { loop, connections } = this.#parts;
    const tried = async () => (await connections.get(customer.connection))?.usedVersion === version;
    for (let time = 0; time < times && !(await tried()); time += 1) {
      if ((await this.versionOf(customer)) !== version) return false;
      await this.#retry(customer);
      await loop.sleep(seconds(15));
    }
    return tried();
  }
}
