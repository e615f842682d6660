import { type EpochMs, type Milliseconds, plus } from '../../lib/core/types.ts';

interface Event {
  readonly at: EpochMs;
  readonly order: number;
  readonly action: () => void;
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Virtual time: events in order, each with everything that follows from it at once before the next. */
export class Loop {
  #now: EpochMs;
  #order = 0;
  readonly #heap: Event[] = [];
  steps = 0;

  constructor(start: EpochMs) {
    this.#now = start;
  }

  get now(): EpochMs {
    return this.#now;
  }

  at(moment: EpochMs, action: () => void): void {
    const event = { at: moment > this.#now ? moment : this.#now, order: this.#order++, action };
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || before(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  after(duration: Milliseconds, action: () => void): void {
    this.at(plus(this.#now, duration), action);
  }

  sleep(duration: Milliseconds): Promise<void> {
    return new Promise(resolve => this.after(duration, resolve));
  }

  /** Every event up to `until`. */
  async run(until: EpochMs): Promise<void> {
    for (let next = this.#heap[0]; next && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      this.#now = next.at;
      this.steps += 1;
      next.action();
      // A macrotask runs after all microtasks of the event.
      await new Promise(setImmediate);
    }
    this.#now = until;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (!left) break;
      if (right && before(right, left)) child += 1;
      const smaller = heap[child];
      if (!smaller || before(last, smaller)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}
