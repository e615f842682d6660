import { RefresherError } from '../../lib/core/errors.ts';

/** The fate of one operation: `lost` has its effect, but the answer does not arrive; `refused` has none. */
export type Fate = 'done' | 'lost' | 'refused';

interface Operation {
  readonly name: string;
  readonly effect: () => Promise<unknown>;
  readonly fail: (fate: Exclude<Fate, 'done'>) => unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Everything that follows from an answer happens before the next macrotask. */
const quiet = (): Promise<void> => new Promise(setImmediate);

/** Throws what the caller of a failed operation gets in place of an answer. */
const storeFails =
  (name: string) =>
  (fate: Exclude<Fate, 'done'>): never => {
    throw new RefresherError(name.startsWith('secrets.') ? 'secret_unreadable' : 'store_failed', `${fate}: ${name}`);
  };

/** A process whose operations wait until they are let through, one at a time. */
export class Actor {
  readonly name: string;
  /** The number of operations that were let through. */
  steps = 0;
  /** The exception, unless it is an expected one of the product. */
  bug: unknown;
  readonly #log: string[];
  #waiting: Operation[] = [];
  #state: 'new' | 'running' | 'over' = 'new';
  #work: (() => Promise<unknown>) | undefined;

  constructor(name: string, log: string[]) {
    this.name = name;
    this.#log = log;
  }

  /** The operation that waits. */
  get next(): string | undefined {
    return this.#waiting[0]?.name;
  }

  does(work: () => Promise<unknown>): void {
    this.#work = work;
  }

  /**
   * Lets operations through until `limit` of them have been, or nothing is left to do. Returns whether the process is
   * still working.
   */
  async runTo(limit: number, before: () => Promise<void>): Promise<boolean> {
    await this.#begun();
    while (this.#state === 'running' && this.steps < limit) {
      await before();
      await (await this.step('done'))();
    }
    return this.#state === 'running';
  }

  /** Lets one operation through. The returned function delivers the answer. */
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
