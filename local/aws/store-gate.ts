import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { PatientLevel } from './patient-level.ts';
import { wordsOfDisk } from './system-error.ts';

/** After a failure the disk is tried at this interval, if there are requests. */
const TRY_EVERY = 1000;
/** More than a database needs for a new log. */
const ROOM = 256 * 1024;

/** Passes requests to a database, and reopens it after a failed write once the disk has room. */
export class StoreGate {
  readonly #folder: string;
  readonly #database: PatientLevel;
  readonly #now: () => number;
  #inside = 0;
  #whenEmpty: (() => void) | undefined;
  #repairing: Promise<void> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(folder: string, database: PatientLevel, now: () => number) {
    this.#folder = folder;
    this.#database = database;
    this.#now = now;
  }

  /** Why the database takes no writes; undefined if it does. */
  get refusal(): string | undefined {
    return this.#database.refusal;
  }

  /** Passes a request to the database. If the database cannot even be read, `refuse` answers. */
  async enter(response: ServerResponse, serve: () => void, refuse: (why: string) => void): Promise<void> {
    await this.#repair();
    // Another request may have begun a repair in the meantime.
    while (this.#repairing) await this.#repairing;
    const { status, refusal } = this.#database;
    if (refusal !== undefined && status !== 'open') return refuse(refusal);
    this.#inside += 1;
    response.once('close', () => {
      this.#inside -= 1;
      if (this.#inside === 0) this.#whenEmpty?.();
    });
    serve();
  }

  async #repair(): Promise<void> {
    if (this.refusal === undefined || this.#repairing) return this.#repairing;
    if (this.#now() - this.#triedAt < TRY_EVERY) return;
    this.#triedAt = this.#now();
    const why = this.#lacksRoom();
    if (why !== undefined) {
      this.#database.refusal = why;
      return;
    }
    this.#repairing = this.#reopen();
    await this.#repairing;
    this.#repairing = undefined;
  }

  async #reopen(): Promise<void> {
    if (this.#inside > 0) {
      await new Promise<void>(resolve => {
        this.#whenEmpty = resolve;
      });
      this.#whenEmpty = undefined;
    }
    await this.#database.reopen();
  }

  /** Checked before the database is closed: without room it could not be opened again, not even for reading. */
  #lacksRoom(): string | undefined {
    const probe = join(this.#folder, 'probe');
    try {
      writeFileSync(probe, Buffer.alloc(this.#sizeOfLogs() + ROOM), { mode: 0o600, flush: true });
      return undefined;
    } catch (error) {
      return wordsOfDisk(error);
    } finally {
      rmSync(probe, { force: true });
    }
  }

  /** The size of what the database copies when it is opened. */
  #sizeOfLogs(): number {
    const logs = readdirSync(this.#database.location).filter(name => name.endsWith('.log'));
    return logs.reduce((sum, name) => sum + statSync(join(this.#database.location, name)).size, 0);
  }
}
