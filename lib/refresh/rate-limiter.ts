import type { RateLimit } from '../core/provider.ts';
import { type Booked, book, type Lane, type LimitState, pause, repaired, unused } from '../core/rate-limit.ts';
import { type EpochMs, epochMs, type Milliseconds, plus } from '../core/types.ts';
import type { Clock, LimitStore, RateLimiter } from '../ports.ts';
import { Batches, type Size } from './batches.ts';

/** Each failed try means that another process has booked in between. */
const TRIES = 8;
/** No write counts as slower than this. */
const SLOW: Milliseconds = 500;

/**
 * Hands out rate-limit slots. This process books them in batches, with one write of the store each, and holds them. If
 * it crashes, a few seconds of slots stay unused, and nothing else happens.
 */
export const leasingRateLimiter = (store: LimitStore, clock: Pick<Clock, 'now'>): RateLimiter => {
  const leases = new Map<string, Lease>();
  const leaseOf = (key: string, limit: RateLimit): Lease => {
    const lease = leases.get(key) ?? new Lease(store, clock, key, limit);
    leases.set(key, lease);
    return lease;
  };
  return {
    reserve: (key, limit, { lane, until }) => leaseOf(key, limit).reserve(lane, until),
    pause: (key, limit, until) => leaseOf(key, limit).pause(until),
    pausedUntil: key => leases.get(key)?.pausedUntil ?? epochMs(0),
  };
};

type Slot = Awaited<ReturnType<RateLimiter['reserve']>>;

/** The state of one rate limit as this process last saw it, and the slots that it holds. */
class Lease {
  readonly #store: LimitStore;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #key: string;
  readonly #limit: RateLimit;
  readonly #batches: Readonly<Record<Lane, Batches>>;
  #state: LimitState = unused;
  #revision = 0;
  /** Includes the last pause that this process set: it applies at once, however slow the store is. */
  #paused: LimitState = unused;
  /**
   * How far the fastest clock among the processes is known to be ahead of our clock (a hybrid logical clock: S.
   * Kulkarni et al., "Logical Physical Clocks", 2014). Slots are moments of the fastest clock.
   */
  #ahead: Milliseconds = 0;
  /** How long recent writes took: a slot within this time would be too late. */
  #latency: Milliseconds = 0;

  constructor(store: LimitStore, clock: Pick<Clock, 'now'>, key: string, limit: RateLimit) {
    this.#store = store;
    this.#clock = clock;
    this.#key = key;
    this.#limit = limit;
    this.#batches = { scheduled: new Batches(limit, 2), minority: new Batches(limit, 1) };
  }

  async reserve(lane: Lane, until: EpochMs): Promise<Slot> {
    const batches = this.#batches[lane];
    for (;;) {
      const slot = batches.next(this.#now());
      if (slot !== undefined && this.#own(slot) > until) return { ok: false, retryAt: this.#own(slot) };
      if (slot !== undefined) {
        batches.take();
        return { ok: true, at: this.#own(slot) };
      }
      const { full, nextAt } = await batches.booked(size => this.#book(lane, size(this.#now()), until));
      if (batches.next(this.#now()) === undefined && !full) return { ok: false, retryAt: this.#own(nextAt) };
    }
  }

  async pause(until: EpochMs): Promise<void> {
    const paused = (state: LimitState) => pause(state, this.#limit, this.#now(), plus(until, this.#ahead));
    this.#paused = paused(this.#state);
    await this.#write(state => ({ state: paused(state) }));
    for (const batches of Object.values(this.#batches)) batches.drop(this.#state.pausedUntil ?? epochMs(0));
  }

  get pausedUntil(): EpochMs {
    const ends = [this.#state, this.#paused].map(state => repaired(state, this.#limit, this.#now()).pausedUntil ?? 0);
    return this.#own(epochMs(Math.max(...ends)));
  }

  async #book(lane: Lane, size: Size, until: EpochMs): Promise<Pick<Booked, 'slots' | 'nextAt'>> {
    const booked = await this.#write(state => {
      const now = this.#now();
      const from = plus(now, this.#latency);
      return book(state, this.#limit, { lane, ...size, now, from, until: plus(until, this.#ahead) });
    });
    return booked ?? { slots: [], nextAt: this.#aWhile() };
  }

  /** Writes the state that `change` returns, and retries if other processes write in between. */
  async #write<T extends Change>(change: (state: LimitState) => T): Promise<T | undefined> {
    for (let tried = 0; tried < TRIES; tried += 1) {
      const changed = change(this.#state);
      // Booked slots stay booked: if the last seen state has no free slot, the stored one has none either.
      if (changed.slots?.length === 0) return changed;
      const began = this.#clock.now();
      const there = await this.#store.write(this.#key, changed.state, this.#revision);
      this.#latency = Math.min(SLOW, Math.max(this.#clock.now() - began, this.#latency / 2));
      this.#state = there?.state ?? changed.state;
      this.#revision = there?.revision ?? this.#revision + 1;
      this.#ahead = Math.max(this.#ahead, this.#state.writtenAt - this.#clock.now());
      if (!there) return changed;
    }
    return undefined;
  }

  #now(): EpochMs {
    return plus(this.#clock.now(), this.#ahead);
  }
  #own(moment: EpochMs): EpochMs {
    return plus(moment, -this.#ahead);
  }
  /** Too many processes book at once: wait for the mean distance of two calls. */
  #aWhile(): EpochMs {
    return plus(this.#now(), this.#limit.per / this.#limit.calls);
  }
}

interface Change {
  readonly state: LimitState;
  readonly slots?: readonly EpochMs[];
}
