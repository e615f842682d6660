import type { FunctionName } from '../../infra/staged-function.ts';
import { RefresherError } from '../../lib/core/errors.ts';
import { type EpochMs, epochMs, type Milliseconds, minutes } from '../../lib/core/types.ts';
import type { Clock } from '../../lib/ports.ts';
import type { Faults } from './faults.ts';
import type { Loop } from './loop.ts';

/** Longer than the timeout of any function. */
export const SUSPENDED = minutes(5);

const never = (): Promise<never> => new Promise(() => {});

/** One Lambda environment: its clock, and whether it is running. Everything it does to the world goes through `io`. */
export class SimulatedProcess {
  readonly #loop: Loop;
  readonly #faults: Faults;
  readonly skew: Milliseconds;
  #dead = false;
  #suspendedUntil = 0;
  /** How many of its operations were hit by a fault. */
  struck = 0;
  #die: () => void = () => {};
  /** Resolves when it is killed. */
  readonly death: Promise<'dead'>;

  readonly name: FunctionName;
  readonly #onThrottle: (operation: string) => void;

  constructor(
    name: FunctionName,
    loop: Loop,
    faults: Faults,
    skew: Milliseconds,
    onThrottle: (operation: string) => void,
  ) {
    this.name = name;
    this.#loop = loop;
    this.#faults = faults;
    this.skew = skew;
    this.#onThrottle = onThrottle;
    this.death = new Promise(resolve => {
      this.#die = () => resolve('dead');
    });
  }

  readonly clock: Clock = {
    now: (): EpochMs => epochMs(this.#loop.now + this.skew),
    sleep: duration => this.pause(duration),
  };

  get dead(): boolean {
    return this.#dead;
  }

  /** Frozen with the machine: the timeout does not kill it. */
  get suspended(): boolean {
    return this.#loop.now < this.#suspendedUntil;
  }

  /** Nothing that was begun continues: the promises it waits for never settle. */
  kill(): void {
    this.#dead = true;
    this.#die();
  }

  async pause(duration: Milliseconds): Promise<void> {
    await this.#loop.sleep(duration);
    if (this.#dead) await never();
  }

  /** An operation on a store: it may be late, fail before or after its effect, freeze the process or kill it. */
  async io<T>(operation: string, effect: () => Promise<T>): Promise<T> {
    if (this.#dead) return never();
    const fate = this.#faults.ofStore(operation, this.name);
    if (!fate) return effect();
    this.struck += 1;
    if (fate.throttled) this.#onThrottle(operation);
    if (fate.delayBefore > 0) await this.#freeze(fate.delayBefore);
    if (fate.kill === 'before') return this.#killed();
    if (fate.fail === 'before') throw storeError(operation);
    const answer = await effect();
    if (fate.delayAfter > 0) await this.#freeze(fate.delayAfter);
    if (fate.kill === 'after') return this.#killed();
    if (fate.fail === 'after') throw storeError(operation);
    return answer;
  }

  async #freeze(duration: Milliseconds): Promise<void> {
    if (duration > SUSPENDED) this.#suspendedUntil = Math.max(this.#suspendedUntil, this.#loop.now + duration);
    await this.pause(duration);
  }

  #killed(): Promise<never> {
    this.kill();
    return never();
  }

  /** A store as this process uses it. */
  through<S extends object>(name: string, store: S): S {
    return new Proxy(store, {
      get: (target, method) => {
        const call: unknown = Reflect.get(target, method);
        if (typeof call !== 'function') return call;
        return (...args: unknown[]) =>
          this.io(`${name}.${String(method)}`, () => Reflect.apply(call, target, args) as Promise<unknown>);
      },
    });
  }
}

const storeError = (operation: string): RefresherError =>
  operation.startsWith('secrets.')
    ? new RefresherError('secret_unreadable', `injected: ${operation}`)
    : new RefresherError('store_failed', `injected: ${operation}`);
