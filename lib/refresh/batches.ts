import type { RateLimit } from '../core/provider.ts';
import { type Booked, windowOf } from '../core/rate-limit.ts';
import type { EpochMs, Milliseconds } from '../core/types.ts';

/** How many slots to book, and how many of them may share a moment. */
export interface Size {
  readonly wanted: number;
  readonly together: number;
}

interface Done {
  /** There may be more free slots. */
  readonly full: boolean;
  readonly nextAt: EpochMs;
}

/** This part of a window's spare time is reserved for clocks that differ. */
const CLOCKS: Milliseconds = 50;
/** After this time without a slot, batches start small again. */
const IDLE: Milliseconds = 10_000;

/**
 * The slots of one lane that this process has booked and not used yet. The next batch is larger if the last one was
 * used up. If slots lapsed, the next batch is at most as large as the used part of the last one. All waiting callers
 * share one booking.
 */
export class Batches {
  readonly #limit: RateLimit;
  readonly #largest: number;
  #slots: EpochMs[] = [];
  #size = 1;
  #taken = 0;
  #passed = false;
  #usedUntil = 0;
  #waiting = 0;
  #booking: Promise<Done> | undefined;

  /** `windows`: at most this many windows of slots are booked at once. */
  constructor(limit: RateLimit, windows: number) {
    this.#limit = limit;
    this.#largest = windows * limit.calls;
  }

  /** The next booked slot. One used too late would come too close to the slot a window after it. */
  next(now: EpochMs): EpochMs | undefined {
    const late = Math.max(0, windowOf(this.#limit) - this.#limit.per - CLOCKS) / 2;
    while (this.#slots[0] !== undefined && this.#slots[0] < now - late) {
      this.#slots.shift();
      this.#passed = true;
    }
    return this.#slots[0];
  }

  take(): void {
    this.#slots.shift();
    this.#taken += 1;
  }

  /** Drops slots before `until`. Later ones are kept: otherwise each pause would postpone the next call. */
  drop(until: EpochMs): void {
    this.#slots = this.#slots.filter(at => at >= until);
  }

  /** Books a batch, or waits for the one that is being booked. */
  booked(book: (size: (now: EpochMs) => Size) => Promise<Pick<Booked, 'slots' | 'nextAt'>>): Promise<Done> {
    this.#waiting += 1;
    this.#booking ??= this.#bookOne(book).finally(() => {
      this.#booking = undefined;
      this.#waiting = 0;
    });
    return this.#booking;
  }

  async #bookOne(book: Parameters<Batches['booked']>[0]): Promise<Done> {
    // Callers of the same moment share the batch.
    await undefined;
    let wanted = 0;
    const { slots, nextAt } = await book(now => {
      const size = this.#nextSize(now);
      wanted = size.wanted;
      return size;
    });
    this.#usedUntil = slots.at(-1) ?? this.#usedUntil;
    this.#slots.push(...slots);
    return { full: slots.length === wanted, nextAt };
  }

  #nextSize(now: EpochMs): Size {
    const { calls } = this.#limit;
    const window = windowOf(this.#limit);
    const idle = now - this.#usedUntil > IDLE + 2 * window;
    const grown = this.#passed ? Math.max(1, this.#taken) : this.#size * 2;
    this.#size = idle ? 1 : Math.min(this.#largest, grown);
    this.#passed = false;
    this.#taken = 0;
    const together = Math.min(this.#waiting, calls);
    // If calls are seconds apart, book only slots that a caller waits for.
    const scarce = window >= calls * 1000;
    return { wanted: scarce ? together : Math.max(this.#size, together), together };
  }
}
