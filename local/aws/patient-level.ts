import { ClassicLevel } from 'classic-level';
import { wordsOfDisk } from './system-error.ts';

/** The engine answers an error of this form. It throws any other one, which ends the process. */
export class Unavailable extends Error {
  readonly statusCode = 500;
  readonly body: { readonly __type: string; readonly message: string };
  constructor(why: string) {
    super(why);
    this.name = 'Unavailable';
    this.body = { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError', message: why };
  }
}

type Operation = (this: unknown, ...args: unknown[]) => Promise<unknown>;

/**
 * The methods that the base class calls for each operation. They are overridden because the engine replaces the public
 * ones.
 */
const inherited = (name: string): Operation => Reflect.get(ClassicLevel.prototype, name);

/**
 * A database that survives a full disk. After a failed write, the end of its log is unknown:
 *
 *     put A ..... half of A is in the log: no space left ..... put B: is after half of A, and lost at the next start
 *
 * Therefore it takes one write at a time, and after a failure none until it is opened again.
 */
export class PatientLevel extends ClassicLevel {
  /** Why it takes no writes; undefined if it does. Reads still work. */
  refusal: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  _put(...args: unknown[]): Promise<unknown> {
    return this.#write('_put', args);
  }

  _del(...args: unknown[]): Promise<unknown> {
    return this.#write('_del', args);
  }

  _batch(...args: unknown[]): Promise<unknown> {
    return this.#write('_batch', args);
  }

  async _get(...args: unknown[]): Promise<unknown> {
    try {
      return await Reflect.apply(inherited('_get'), this, args);
    } catch (error) {
      throw new Unavailable(wordsOfDisk(error));
    }
  }

  /** Closes and opens the database to read its log again. Only call it while nothing uses the database. */
  async reopen(): Promise<void> {
    try {
      // The engine has replaced its own `close`, and accepts no more requests after it.
      await super.close();
      await super.open();
      this.refusal = undefined;
    } catch (error) {
      this.refusal = wordsOfDisk(error);
    }
  }

  #write(name: string, args: unknown[]): Promise<unknown> {
    const written = this.#last.then(() => this.#writeNow(name, args));
    this.#last = written.catch(() => {});
    return written;
  }

  async #writeNow(name: string, args: unknown[]): Promise<unknown> {
    if (this.refusal !== undefined) throw new Unavailable(this.refusal);
    try {
      return await Reflect.apply(inherited(name), this, args);
    } catch (error) {
      this.refusal = wordsOfDisk(error);
      throw new Unavailable(this.refusal);
    }
  }
}
