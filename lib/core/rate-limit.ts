import type { RateLimit } from './provider.ts';
import { type EpochMs, epochMs, type Milliseconds, plus } from './types.ts';

/** The part of a rate limit that a call uses: failing connections and calls on demand share a minority of it. */
export type Lane = 'scheduled' | 'minority';

/** The slots that are booked at one moment. */
export interface Booking {
  readonly at: EpochMs;
  readonly scheduled: number;
  readonly minority: number;
}

/** A log of booked slots, oldest first, shared by all processes. */
export interface LimitState {
  readonly bookings: readonly Booking[];
  /** The time of the last writer: no process uses an earlier time, whatever its own clock shows. */
  readonly writtenAt: EpochMs;
  /** No slot before this time: the provider answered 429. */
  readonly pausedUntil?: EpochMs;
}

export const unused: LimitState = { bookings: [], writtenAt: epochMs(0) };

export interface Booked {
  readonly state: LimitState;
  /** The free slots, in order; perhaps none. */
  readonly slots: readonly EpochMs[];
  /** When the next one is free. */
  readonly nextAt: EpochMs;
}

/**
 * The window that bookings use. It is a little longer than the provider's: clocks that differ and calls of unequal
 * speed can bring two calls closer together. A twentieth at the most: 95 % of the rate stays usable.
 */
export const windowOf = ({ per }: RateLimit): Milliseconds => per + Math.min(per / 20, 500);

/** A batch extends this far beyond the time its first caller waits for. */
const AHEAD: Milliseconds = 2000;

/**
 * Books up to `wanted` slots that are not later than `until`: a sliding-window log (as in A. Xu, "System Design
 * Interview", chapter 4) of slots reserved ahead. No window holds more than the limit: a slot is at least a window
 * after the one `calls` before it. Slots are booked in order; unused ones lapse.
 */
export const book = (
  stored: LimitState,
  limit: RateLimit,
  request: {
    readonly lane: Lane;
    readonly wanted: number;
    /** This many may share a moment; the slots after them are spread to give the caller time for each. */
    readonly together: number;
    readonly now: EpochMs;
    /** No slot before this time: writing a booking takes time. */
    readonly from: EpochMs;
    readonly until: EpochMs;
  },
): Booked => {
  const { lane, wanted, together, now, from, until } = request;
  const state = repaired(stored, limit, now);
  const log = new Log(state.bookings, limit);
  const distance = windowOf(limit) / limit.calls;
  const spread = distance < AHEAD ? distance : 0;
  let earliest = Math.max(from, state.pausedUntil ?? 0) as EpochMs;
  const slots: EpochMs[] = [];
  let nextAt = log.next(lane, earliest);
  // A batch that has begun is booked to its end: many small batches would cost a write each.
  const last = nextAt <= until ? plus(until, AHEAD) : until;
  while (slots.length < wanted && nextAt <= last && log.allows(lane, earliest)) {
    slots.push(nextAt);
    log.add(lane, nextAt);
    if (slots.length >= together) earliest = Math.max(earliest, plus(nextAt, spread)) as EpochMs;
    nextAt = log.next(lane, earliest);
  }
  const paused = state.pausedUntil !== undefined && state.pausedUntil > now ? { pausedUntil: state.pausedUntil } : {};
  return { state: { bookings: log.bookings, writtenAt: now, ...paused }, slots, nextAt };
};

/** No slot before `until`. The pause is capped at one window, or at a minute if that is longer. */
export const pause = (stored: LimitState, limit: RateLimit, now: EpochMs, until: EpochMs): LimitState => {
  const { bookings, pausedUntil = 0 } = repaired(stored, limit, now);
  const believed = Math.min(until, plus(now, longestPause(limit)));
  return { bookings, writtenAt: now, pausedUntil: Math.max(pausedUntil, believed) as EpochMs };
};

const longestPause = ({ per }: RateLimit): Milliseconds => Math.max(per, 60_000);

/**
 * Drops what has left the window. A slot or a pause further ahead than anyone requests comes from a wrong clock or a
 * broken item. It counts from the time of the last write, and therefore ends even if nobody writes.
 */
export const repaired = (state: LimitState, limit: RateLimit, now: EpochMs): LimitState => {
  const window = windowOf(limit);
  const writtenAt = Math.min(state.writtenAt, now) as EpochMs;
  const furthest = plus(writtenAt, 2 * Math.max(window, FURTHEST));
  const bookings = state.bookings
    .map(each => (each.at > furthest ? { ...each, at: writtenAt } : each))
    .filter(({ at }) => at + window > now)
    .toSorted((a, b) => a.at - b.at);
  const pausedUntil = Math.min(state.pausedUntil ?? 0, plus(writtenAt, longestPause(limit))) as EpochMs;
  return { bookings, writtenAt, ...(state.pausedUntil !== undefined && { pausedUntil }) };
};

/** Nobody books further ahead than a run waits. */
const FURTHEST: Milliseconds = 15_000;

/** The minority's share of a window: a quarter if the schedule used any of it, otherwise all but one. */
const minorityOf = ({ calls }: RateLimit, scheduled: boolean): number =>
  Math.max(1, scheduled ? Math.floor(calls / 4) : calls - 1);

class Log {
  readonly #limit: RateLimit;
  readonly #window: Milliseconds;
  readonly bookings: Booking[];

  constructor(bookings: readonly Booking[], limit: RateLimit) {
    this.bookings = [...bookings];
    this.#limit = limit;
    this.#window = windowOf(limit);
  }

  /** When the next slot is free: in order, and a window after the one `calls` before it. */
  next(lane: Lane, earliest: EpochMs): EpochMs {
    const free = this.#free(earliest);
    if (lane === 'scheduled' || this.allows(lane, earliest)) return free;
    const most = minorityOf(this.#limit, this.#scheduledWithin(free));
    return Math.max(
      free,
      this.#leaves(most, ({ minority }) => minority),
    ) as EpochMs;
  }

  /** Whether the lane may use the next free slot. The minority books no later ones: they would hold up the schedule. */
  allows(lane: Lane, earliest: EpochMs): boolean {
    if (lane === 'scheduled') return true;
    const free = this.#free(earliest);
    return this.#leaves(minorityOf(this.#limit, this.#scheduledWithin(free)), ({ minority }) => minority) <= free;
  }

  add(lane: Lane, at: EpochMs): void {
    const last = this.bookings.at(-1);
    const same = last?.at === at ? last : undefined;
    if (same) this.bookings.pop();
    const { scheduled = 0, minority = 0 } = same ?? {};
    this.bookings.push({
      at,
      scheduled: scheduled + (lane === 'scheduled' ? 1 : 0),
      minority: minority + (lane === 'minority' ? 1 : 0),
    });
  }

  #free(earliest: EpochMs): EpochMs {
    const last = this.bookings.at(-1)?.at ?? earliest;
    const leaves = this.#leaves(this.#limit.calls, ({ scheduled, minority }) => scheduled + minority);
    return Math.max(earliest, last, leaves) as EpochMs;
  }

  /** When the `most`-th last slot leaves the window and one more fits. */
  #leaves(most: number, counted: (booking: Booking) => number): number {
    let seen = 0;
    for (let n = this.bookings.length - 1; n >= 0; n -= 1) {
      const booking = this.bookings[n];
      if (!booking) break;
      seen += counted(booking);
      if (seen >= most) return booking.at + this.#window;
    }
    return 0;
  }

  #scheduledWithin(at: EpochMs): boolean {
    return this.bookings.some(booking => booking.scheduled > 0 && booking.at + this.#window > at);
  }
}
