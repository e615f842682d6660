import type { RateLimit } from './provider.ts';
import { type EpochMs, epochMs, type Milliseconds, plus } from './types.ts';

/** Which part of a rate limit a call uses: failing connections and calls on demand share a minority of it. */
export type Lane = 'scheduled' | 'minority';

/** The slots that are booked at one moment. */
export interface Booking {
  readonly at: EpochMs;
  readonly scheduled: number;
  readonly minority: number;
}

/** A log of booked slots, oldest first, as it is kept for all processes. */
export interface LimitState {
  readonly bookings: readonly Booking[];
  /** The time of the last writer: nobody's time is earlier, whatever his clock says. */
  readonly writtenAt: EpochMs;
  /** No slot before that: the provider answered 429. */
  readonly pausedUntil?: EpochMs;
}

export const unused: LimitState = { bookings: [], writtenAt: epochMs(0) };

export interface Booked {
  readonly state: LimitState;
  /** As many as are free, in order; perhaps none. */
  readonly slots: readonly EpochMs[];
  /** When the next one is free. */
  readonly nextAt: EpochMs;
}

/**
 * The window that is kept. A little longer than the provider's: clocks that differ, and calls that do not all travel
 * equally fast, bring two calls closer together. A twentieth at the most, so that 95 % of the rate is used.
 */
export const windowOf = ({ per }: RateLimit): Milliseconds => per + Math.min(per / 20, 500);

/** A batch reaches so far beyond what its first caller waits for. */
const AHEAD: Milliseconds = 2000;

/**
 * Books up to `wanted` slots that are not later than `until`: a sliding-window log (as in A. Xu, "System Design
 * Interview", chapter 4) of slots that are reserved ahead. No window holds more than the limit, since a slot is never
 * closer than a window to the one `calls` before it. Slots are booked in order; unused ones pass.
 */
export const book = (
  stored: LimitState,
  limit: RateLimit,
  request: {
    readonly lane: Lane;
    readonly wanted: number;
    /** So many may share a moment; the slots after them are spread, so that the caller gets round to each. */
    readonly together: number;
    readonly now: EpochMs;
    /** No slot before that: a booking takes its time to be written. */
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
  // A batch that has begun is booked to its end: many small ones would cost a write each.
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

/** No slot before `until`. What the provider asks for is believed for a window, at least for a minute. */
export const pause = (stored: LimitState, limit: RateLimit, now: EpochMs, until: EpochMs): LimitState => {
  const { bookings, pausedUntil = 0 } = repaired(stored, limit, now);
  const believed = Math.min(until, plus(now, longestPause(limit)));
  return { bookings, writtenAt: now, pausedUntil: Math.max(pausedUntil, believed) as EpochMs };
};

const longestPause = ({ per }: RateLimit): Milliseconds => Math.max(per, 60_000);

/**
 * Without what has left the window. A slot further ahead than anyone books, or a longer pause than anyone asks for, comes
 * from a wrong clock or a broken item: it counts from when the state was written, so that it passes even if nobody writes.
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

/** The minority's calls of a window: a quarter if the schedule used any of it, otherwise all but one. */
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

  /** Whether the next free slot may be the lane's. Later ones are not booked for the minority: they would hold up the schedule. */
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

  /** When the `most`-th last slot has left the window, so that one more fits. */
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
