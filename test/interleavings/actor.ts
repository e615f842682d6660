import { RefresherError } from '../../lib/core/errors.ts';

/** What becomes of one operation: `lost` has its effect, but the answer does not arrive; `refused` has none. */
export type Fate = 'done' | 'lost' | 'refused';

interface Operation {
  readonly name: string;
  readonly effect: () => Promise<unknown>;
  readonly fail: (fate: Exclude<Fate, 'done'>) => unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** All that follows from an answer happens before the next macrotask. */
const quiet = (): Promise<void> => new Promise(setImmediate);

/** Answers what the caller of an operation gets in place of an answer, or throws it. */
const storeFails =
  (name: string) =>
  (fate: Exclude<Fate, 'done'>): never => {
    throw new RefresherError(name.startsWith('secrets.') ? 'secret_unreadable' : 'store_failed', `${fate}: ${name}`);
  };

/** A process whose every operation on the world waits until it is let through, one at a time. */
export class Actor {
  readonly name: string;
  /** How many operations were let through. */
  steps = 0;
  /** What was thrown, unless the product has a name for it. */
  bug: unknown;
  readonly #log: string[];
  #waiting: Operation[] = [];
  #state: 'new' | 'running' | 'over' = 'new';
  #work: (() => Promise<unknown>) | undefined;

  constructor(name: string, log: string[]) {
    this.name = name;
    this.#log = log;
  }

  /** The operation that waits to be let through. */
  get next(): string | undefined {
    return this.#waiting[0]?.name;
  }

  does(work: () => Promise<unknown>): void {
    this.#work = work;
  }

  /** Lets operations through until `limit` of them have been, or nothing is left to do. Answers whether it is still at work. */
  async runTo(limit: number, before: () => Promise<void>): Promise<boolean> {
    await this.#begun();
    while (this.#state === 'running' && this.steps < limit) {
      await before();
      await (await this.step('done'))();
    }
    return this.#state === 'running';
  }

  /** Lets one operation through. The answer arrives when the caller says so. */
  async step(fate: Fate): Promise<() => Promise<void>> {
    const operation = this.#waiting.shift();
    if (!operation) throw new Error(`${this.name} waits for something that is not an operation`);
    const { name, effect, fail, resolve, reject } = operation;
    this.#log.push(`${this.name} ${this.steps}: ${name}${fate === 'done' ? '' : `, ${fate}`}`);
    this.steps += 1;
    const answer = fate === 'refused' ? undefined : await effect();
    return async () => {
      try {
        resolve(fate === 'done' ? answer : fail(fate));
      } catch (error) {
        reject(error);
      }
      await quiet();
    };
  }

  kill(): void {
    if (this.#state === 'running') this.#log.push(`${this.name} dies`);
    this.#state = 'over';
  }

  operation<T>(name: string, effect: () => Promise<T>, fail: (fate: Exclude<Fate, 'done'>) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ name, effect, fail, resolve: answer => resolve(answer as T), reject });
    });
  }

  /** A store as this process uses it. `free` names the calls that no other process can notice. */
  through<S extends object>(store: string, target: S, free: (method: string, args: readonly unknown[]) => boolean): S {
    return new Proxy(target, {
      get: (_, method) => {
        const call: unknown = Reflect.get(target, method);
        if (typeof call !== 'function') return call;
        return (...args: unknown[]) => {
          const effect = (): Promise<unknown> => Reflect.apply(call, target, args);
          const name = `${store}.${String(method)}`;
          return free(String(method), args) ? effect() : this.operation(name, effect, storeFails(name));
        };
      },
    });
  }

  async #begun(): Promise<void> {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    const over = (error?: unknown): void => {
      if (error !== undefined && !(error instanceof RefresherError)) this.bug = error;
      this.#state = 'over';
    };
    this.#work?.().then(() => over(), over);
    await quiet();
  }
}
