import type { RateLimit } from '../core/provider.ts';
import { book, type LimitState, pause, unused, windowOf } from '../core/rate-limit.ts';
import { type EpochMs, epochMs, type Milliseconds, plus } from '../core/types.ts';
import type { Clock, LimitStore, RateLimiter } from './ports.ts';

/** Each try that fails means that another process has booked meanwhile. */
const TRIES = 8;
/** A batch is small again after so long without a slot. Milliseconds. */
const IDLE = 10_000;
/** So many windows of slots are booked at once at the most: fewer writes, but more that pass unused. */
const LARGEST_BATCH = 2;

interface Batch {
  /** There may be more free slots. */
  readonly full: boolean;
  readonly nextAt: EpochMs;
}

/**
 * Hands out slots of rate limits. Slots for the schedule are booked in batches, with one write of the store each, and
 * kept by this process; slots for the minority are booked one at a time. A process that dies leaves slots of a few
 * seconds unused, and nothing else.
 */
export const leasingRateLimiter = (store: LimitStore, clock: Pick<Clock, 'now'>): RateLimiter => {
  const leases = new Map<string, Lease>();
  const leaseOf = (key: string, limit: RateLimit): Lease => {
    const lease = leases.get(key) ?? new Lease(store, clock, key, limit);
    leases.set(key, lease);
    return lease;
  };
  return {
    reserve: async (key, limit, { lane, until }) => {
      const lease = leaseOf(key, limit);
      return lane === 'scheduled' ? lease.scheduled(until) : lease.minority(until);
    },
    pause: (key, limit, until) => leaseOf(key, limit).pause(until),
    pausedUntil: key => leases.get(key)?.pausedUntil ?? epochMs(0),
  };
};

type Slot = Awaited<ReturnType<RateLimiter['reserve']>>;

/** What this process knows of one rate limit, and the slots that it holds. */
class Lease {
  readonly #store: LimitStore;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #key: string;
  readonly #limit: RateLimit;
  #state: LimitState = unused;
  #revision = 0;
  /**
   * How far the fastest clock among the processes is ahead of ours, as far as it has shown (a hybrid logical clock: S.
   * Kulkarni et al., "Logical Physical Clocks", 2014). Slots are moments of that clock.
   */
  #ahead: Milliseconds = 0;
  /** Scheduled slots that are booked and not used yet. */
  #slots: EpochMs[] = [];
  /** How many slots to book at once: doubles as long as they are used up within two windows. */
  #batch = 1;
  #usedUntil = 0;
  /** Callers that wait for the booking in progress. */
  #waiting = 0;
  #booking: Promise<Batch> | undefined;

  constructor(store: LimitStore, clock: Pick<Clock, 'now'>, key: string, limit: RateLimit) {
    this.#store = store;
    this.#clock = clock;
    this.#key = key;
    this.#limit = limit;
  }

  async scheduled(until: EpochMs): Promise<Slot> {
    for (;;) {
      const slot = this.#held();
      if (slot !== undefined && this.#own(slot) > until) return { ok: false, retryAt: this.#own(slot) };
      if (slot !== undefined) {
        this.#slots.shift();
        return { ok: true, at: this.#own(slot) };
      }
      this.#waiting += 1;
      this.#booking ??= this.#bookBatch(until).finally(() => {
        this.#booking = undefined;
        this.#waiting = 0;
      });
      const { full, nextAt } = await this.#booking;
      if (this.#slots.length === 0 && !full) return { ok: false, retryAt: this.#own(nextAt) };
    }
  }

  async minority(until: EpochMs): Promise<Slot> {
    const booked = await this.#write(state =>
      book(state, this.#limit, this.#request('minority', { wanted: 1, together: 1 }, until)),
    );
    const [at] = booked?.slots ?? [];
    if (at !== undefined) return { ok: true, at: this.#own(at) };
    return { ok: false, retryAt: this.#own(booked?.nextAt ?? this.#aWhile()) };
  }

  async pause(until: EpochMs): Promise<void> {
    await this.#write(state => ({ state: pause(state, this.#limit, this.#now(), plus(until, this.#ahead)) }));
    // Slots after the pause are kept: each answer of several at once would otherwise move the next call further away.
    this.#slots = this.#slots.filter(at => this.#own(at) >= this.pausedUntil);
  }

  get pausedUntil(): EpochMs {
    return this.#own(this.#state.pausedUntil ?? epochMs(0));
  }

  /** The next slot that is held. One that is a little late would come too close to the one a window behind it. */
  #held(): EpochMs | undefined {
    const late = (windowOf(this.#limit) - this.#limit.per) / 4;
    while (this.#slots[0] !== undefined && this.#slots[0] < this.#now() - late) this.#slots.shift();
    return this.#slots[0];
  }

  async #bookBatch(until: EpochMs): Promise<Batch> {
    // Callers of the same moment share the batch.
    await undefined;
    const { calls } = this.#limit;
    const idle = this.#now() - this.#usedUntil > IDLE + 2 * windowOf(this.#limit);
    this.#batch = idle ? 1 : Math.min(LARGEST_BATCH * calls, this.#batch * 2);
    const together = Math.min(this.#waiting, calls);
    // Where calls are seconds apart, none is booked that nobody waits for.
    const scarce = windowOf(this.#limit) >= calls * 1000;
    const wanted = scarce ? together : Math.max(this.#batch, together);
    const booked = await this.#write(state =>
      book(state, this.#limit, this.#request('scheduled', { wanted, together }, until)),
    );
    const slots = booked?.slots ?? [];
    this.#usedUntil = slots.at(-1) ?? this.#now();
    this.#slots.push(...slots);
    return { full: slots.length === wanted, nextAt: booked?.nextAt ?? this.#aWhile() };
  }

  #request(lane: 'scheduled' | 'minority', size: { wanted: number; together: number }, until: EpochMs) {
    return { lane, ...size, now: this.#now(), until: plus(until, this.#ahead) };
  }

  /** Writes what `change` makes of the state, against whatever other processes write meanwhile. */
  async #write<T extends { readonly state: LimitState; readonly slots?: readonly EpochMs[] }>(
    change: (state: LimitState) => T,
  ): Promise<T | undefined> {
    for (let tried = 0; tried < TRIES; tried += 1) {
      const changed = change(this.#state);
      // What is booked stays booked: without a free slot in what is known there is none in what is stored.
      if (changed.slots?.length === 0) return changed;
      const there = await this.#store.write(this.#key, changed.state, this.#revision);
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
  /** Too many processes book at once: the mean distance of two calls is a fair time to wait. */
  #aWhile(): EpochMs {
    return plus(this.#now(), this.#limit.per / this.#limit.calls);
  }
}
