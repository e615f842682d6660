import { latestVersion } from '../core/decide.ts';
import { type Policy, slotPatienceOf } from '../core/policy.ts';
import type { Provider } from '../core/provider.ts';
import { type ConnectionId, type EpochMs, epochMs, type Listed, minutes, plus } from '../core/types.ts';
import type { Clock } from '../ports.ts';
import { laneOf, limitAndLane } from './calls.ts';
import type { CredentialCache } from './credentials.ts';
import type { RefreshReport } from './report.ts';

interface ExhaustedDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly credentials: CredentialCache;
  readonly policy: Policy;
}

/** The rate limits without a slot in time, and when to try each again. */
export class Exhausted {
  readonly #deps: ExhaustedDeps;
  readonly #provider: Provider;
  readonly #until = new Map<string, EpochMs>();
  readonly #limits = new Map<ConnectionId, string>();

  constructor(deps: ExhaustedDeps, provider: Provider) {
    this.#deps = deps;
    this.#provider = provider;
  }

  note({ exhausted, dueAt }: RefreshReport): void {
    if (exhausted === undefined || dueAt === undefined) return;
    const { rateLimit } = this.#provider;
    const { policy } = this.#deps;
    // Slots of a one-minute limit wait for the next tick; those of a shorter one come free within this tick.
    const again =
      rateLimit && rateLimit.per < minutes(1)
        ? plus(dueAt, -slotPatienceOf(policy, this.#provider) / 2)
        : epochMs(Number.POSITIVE_INFINITY);
    this.#until.set(exhausted, again);
  }

  /** Whether a scheduled refresh of a connection needs one of these limits. */
  async concerns(connection: Listed): Promise<boolean> {
    if (this.#until.size === 0) return false;
    const limit = this.#limits.get(connection.connection) ?? (await this.#limitOf(connection));
    this.#limits.set(connection.connection, limit);
    return (this.#until.get(limit) ?? 0) > this.#deps.clock.now();
  }

  async #limitOf(connection: Listed): Promise<string> {
    const { credentials } = this.#deps;
    const reading = credentials.read(this.#provider, connection.connection, latestVersion(connection));
    // The run itself settles a bug in reading the secret.
    const read = await reading.catch(() => ({ ok: false }) as const);
    return read.ok ? limitAndLane(read.account.limitKey, laneOf(connection, 'scheduled')) : '';
  }

  /** When the first of these limits has slots again. */
  get next(): EpochMs {
    const now = this.#deps.clock.now();
    const ends = [...this.#until.values()].filter(until => until > now);
    return ends.length > 0 ? epochMs(Math.min(...ends)) : now;
  }
}
