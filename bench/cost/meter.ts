import type { EpochMs } from '../../lib/core/types.ts';
import { type Quantity, quantities } from './prices.ts';

/** An operation, and its cost. */
export interface Operation {
  readonly calls: number;
  readonly units: number;
}

/** DynamoDB caches a table's key for this long for each principal, and then fetches it again. */
const KEY_HELD = 5 * 60_000;
const HOUR = 3_600_000;
/** CloudWatch Logs adds this many bytes to each event. */
const EVENT_BYTES = 26;
const GIGABYTE = 1024 ** 3;

/** Counts while it is switched on. */
export class Meter {
  readonly #used = new Map<Quantity, number>();
  readonly operations = new Map<string, Operation>();
  /** Bytes of logs by kind of line. */
  readonly logged = new Map<string, number>();
  readonly #keyUses = new Set<string>();
  /** The hours in which a custom metric has a value. */
  readonly metricHours = new Set<string>();
  on = false;

  add(quantity: Quantity, amount = 1): void {
    if (this.on) this.#used.set(quantity, (this.#used.get(quantity) ?? 0) + amount);
  }

  used(quantity: Quantity): number {
    return this.#used.get(quantity) ?? 0;
  }

  table(operation: string, units: { readonly reads?: number; readonly writes?: number }): void {
    const { reads = 0, writes = 0 } = units;
    this.add('readUnits', reads);
    this.add('writeUnits', writes);
    this.#operation(operation, reads + writes);
  }

  secretCall(operation: string): void {
    this.add('secretCalls');
    this.#operation(operation, 1);
  }

  /** A principal uses something that is encrypted with the deployment's key. */
  useKey(resource: string, principal: string, at: EpochMs): void {
    const use = `${resource} ${principal} ${Math.floor(at / KEY_HELD)}`;
    if (!this.on || this.#keyUses.has(use)) return;
    this.#keyUses.add(use);
    this.add('keyRequests');
  }

  log(what: string, line: string): void {
    if (!this.on) return;
    const bytes = Buffer.byteLength(line) + EVENT_BYTES;
    this.add('logGigabytes', bytes / GIGABYTE);
    this.logged.set(what, (this.logged.get(what) ?? 0) + bytes);
  }

  metric(name: string, at: EpochMs): void {
    if (this.on) this.metricHours.add(`${name} ${Math.floor(at / HOUR)}`);
  }

  /** The counts, in the order of prices. */
  get counted(): readonly (readonly [Quantity, number])[] {
    return quantities.map(quantity => [quantity, this.used(quantity)] as const);
  }

  #operation(name: string, more: number): void {
    if (!this.on) return;
    const { calls, units } = this.operations.get(name) ?? { calls: 0, units: 0 };
    this.operations.set(name, { calls: calls + 1, units: units + more });
  }
}
