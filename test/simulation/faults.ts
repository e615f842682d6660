import type { FunctionName } from '../../infra/staged-function.ts';
import { type EpochMs, type Milliseconds, minutes, plus, seconds } from '../../lib/core/types.ts';
import { isRead } from './aws-metrics.ts';
import { SUSPENDED } from './process.ts';
import type { Random } from './random.ts';

/** What happens to one operation on a store. Durations in milliseconds. */
export interface StoreFate {
  readonly delayBefore: Milliseconds;
  readonly delayAfter: Milliseconds;
  readonly fail?: 'before' | 'after';
  readonly kill?: 'before' | 'after';
  /** DynamoDB counts it as throttled. */
  readonly throttled?: true;
}

/** What happens to one request to a provider. */
export type NetworkFate =
  | { readonly kind: 'fine' }
  | { readonly kind: 'unreachable' | 'lost request' | 'lost answer' | 'crash before' | 'crash after' }
  /** The provider handles it this much later, long after our timeout. */
  | { readonly kind: 'late'; readonly by: Milliseconds }
  /** Not handled. */
  | { readonly kind: 'refused'; readonly status: number; readonly retryAfter?: number }
  /** Handled, but the answer is damaged on its way. */
  | { readonly kind: 'malformed'; readonly how: Damage };
export type Damage = 'html' | 'truncated' | 'empty' | 'no token' | 'empty token' | 'zero lifetime' | 'gateway error';
const damages: readonly [Damage, ...Damage[]] = [
  'html',
  'truncated',
  'empty',
  'no token',
  'empty token',
  'zero lifetime',
  'gateway error',
];

/** A kind of fault, for a period. */
export interface Trouble {
  readonly kind:
    | 'crashes'
    | 'freezes'
    | 'store throttled'
    | 'store answers lost'
    | 'outage'
    | 'lost answers'
    | 'slow provider'
    | 'malformed answers'
    | 'provider storms'
    | 'rejections'
    | 'mixed'
    | 'missed ticks'
    | 'duplicate ticks'
    | 'late ticks'
    | 'discovery dies'
    /** A role may not write. */
    | 'writes refused'
    /** DynamoDB refuses requests, and accepts the SDK's retries. */
    | 'store busy'
    /** At one moment, a table is restored to an earlier state. */
    | 'restored';
  /** Affects this function only. */
  readonly of?: FunctionName;
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** The share of operations that it affects. */
  readonly share: number;
}
export const troubleKinds: readonly [Trouble['kind'], ...Trouble['kind'][]] = [
  'crashes',
  'freezes',
  'store throttled',
  'store answers lost',
  'outage',
  'lost answers',
  'slow provider',
  'malformed answers',
  'provider storms',
  'rejections',
  'mixed',
  'missed ticks',
  'duplicate ticks',
  'late ticks',
  'discovery dies',
];

/** The writes that only discovery makes. */
const writesOfDiscovery: ReadonlySet<string> = new Set(
  ['add', 'noteSecret', 'retire', 'replace', 'revive', 'remove'].map(each => `connections.${each}`),
);

/** The latest time after which a request is still handled. */
export const LATEST = minutes(3);

const fine: NetworkFate = { kind: 'fine' };

/** Decides the fate of every operation, from the troubles of a run and random numbers; and counts. */
export class Faults {
  readonly #random: Random;
  readonly #troubles: readonly Trouble[];
  readonly #now: () => EpochMs;
  /** The current troubles, and the time until which they stay the same. */
  #current: readonly Trouble[] = [];
  #until = 0;
  readonly counts: Record<string, number> = {};

  readonly #longestFreeze: Milliseconds;

  constructor(
    random: Random,
    { troubles, longestFreeze }: { readonly troubles: readonly Trouble[]; readonly longestFreeze: Milliseconds },
    now: () => EpochMs,
  ) {
    this.#random = random;
    this.#troubles = troubles;
    this.#longestFreeze = longestFreeze;
    this.#now = now;
  }

  count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }

  /** Whether a trouble of this kind affects this operation. */
  strikes(kind: Trouble['kind'], whom: FunctionName): boolean {
    if (this.#isCalm()) return false;
    const trouble = this.#current.find(each => each.kind === kind && (each.of ?? whom) === whom);
    return trouble !== undefined && this.#random.chance(trouble.share);
  }

  /** Whether a trouble of this kind is going on. */
  goesOn(kind: Trouble['kind']): boolean {
    return !this.#isCalm() && this.#current.some(each => each.kind === kind);
  }

  #isCalm(): boolean {
    const now = this.#now();
    if (now >= this.#until) {
      this.#current = this.#troubles.filter(({ from, to }) => from <= now && now < to);
      const changes = this.#troubles.flatMap(({ from, to }) => [from, to]).filter(each => each > now);
      this.#until = Math.min(...changes);
    }
    return this.#current.length === 0;
  }

  /**
   * Whether anything was wrong at some time between the two. Suspended processes stay suspended beyond the end of their
   * trouble.
   */
  troubled(from: EpochMs, to: EpochMs): boolean {
    const after = this.#longestFreeze > SUSPENDED ? this.#longestFreeze : 0;
    const endOf = (trouble: Trouble) => plus(trouble.to, trouble.kind === 'freezes' ? after : 0);
    return this.#troubles.some(trouble => trouble.from <= to && endOf(trouble) >= from);
  }

  ofStore(operation: string, by: FunctionName): StoreFate | undefined {
    if (writesOfDiscovery.has(operation) && this.strikes('discovery dies', by) && this.#random.chance(0.5)) {
      return this.#fate(operation, { kill: this.#random.pick(['before', 'before', 'after']) }, 'discovery died');
    }
    if (this.strikes('crashes', by) && this.#random.chance(0.2)) {
      return this.#fate(operation, { kill: this.#random.pick(['before', 'after']) }, 'crash');
    }
    if (this.strikes('freezes', by) && this.#random.chance(0.2)) {
      const freeze = this.#random.between(seconds(20), this.#longestFreeze);
      const delay = this.#random.chance(0.5) ? { delayBefore: freeze } : { delayAfter: freeze };
      return this.#fate(operation, delay, freeze > SUSPENDED ? 'suspended' : 'freeze');
    }
    if (this.strikes('store throttled', by))
      return this.#fate(operation, { fail: 'before', throttled: true }, 'store refused');
    if (!isRead(operation) && this.strikes('writes refused', by))
      return this.#fate(operation, { fail: 'before' }, 'write refused');
    if (this.strikes('store busy', by))
      return this.#fate(operation, { delayBefore: this.#random.between(50, 500), throttled: true }, 'store busy');
    if (this.strikes('store answers lost', by)) return this.#fate(operation, { fail: 'after' }, 'store answer lost');
    return this.#random.chance(0.02) ? { delayBefore: this.#random.between(1, 200), delayAfter: 0 } : undefined;
  }

  #fate(operation: string, fate: Partial<StoreFate>, kind: string): StoreFate {
    this.count(`${kind} at ${operation}`);
    return { delayBefore: 0, delayAfter: 0, ...fate };
  }

  ofNetwork(by: FunctionName): NetworkFate {
    const fate = this.#networkFate(by);
    if (fate.kind !== 'fine') this.count(fate.kind === 'refused' ? `HTTP ${fate.status}` : fate.kind);
    return fate;
  }

  #networkFate(by: FunctionName): NetworkFate {
    const random = this.#random;
    // Another fault with each request: one run meets two of them.
    if (this.strikes('mixed', by)) {
      const kinds = ['lost answer', 'lost request', 'unreachable', 'refused', 'rejected', 'malformed', 'fine'] as const;
      return this.#oneOf(random.pick(kinds));
    }
    if (this.strikes('crashes', by)) return { kind: random.pick(['crash before', 'crash after']) };
    if (this.strikes('outage', by))
      return random.pick<NetworkFate>([
        { kind: 'unreachable' },
        { kind: 'lost request' },
        { kind: 'refused', status: 503 },
      ]);
    if (this.strikes('lost answers', by)) return { kind: 'lost answer' };
    if (this.strikes('slow provider', by)) return { kind: 'late', by: random.between(seconds(9), LATEST) };
    if (this.strikes('malformed answers', by)) return this.#oneOf('malformed');
    if (this.strikes('provider storms', by)) return this.#oneOf('refused');
    if (this.strikes('rejections', by)) return this.#oneOf('rejected');
    return fine;
  }

  #oneOf(
    kind: 'lost answer' | 'lost request' | 'unreachable' | 'refused' | 'rejected' | 'malformed' | 'fine',
  ): NetworkFate {
    const random = this.#random;
    switch (kind) {
      case 'malformed':
        return { kind, how: random.pick(damages) };
      case 'refused': {
        const status = random.pick([429, 429, 500, 502, 503, 504]);
        const retryAfter = status === 429 || status === 503 ? { retryAfter: random.whole(1, 120) } : {};
        return { kind, status, ...retryAfter };
      }
      case 'rejected':
        // A firewall in front of the provider, without a reason.
        return { kind: 'refused', status: random.pick([400, 401, 403, 403, 404]) };
      default:
        return { kind };
    }
  }

  /** Whether a firewall may have rejected something between the two times. */
  rejected(from: EpochMs, to: EpochMs): boolean {
    const rejecting = this.#troubles.filter(({ kind }) => kind === 'rejections' || kind === 'mixed');
    return rejecting.some(trouble => trouble.from <= to && trouble.to >= from);
  }
}
