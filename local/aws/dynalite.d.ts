declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    /** A folder for the data; in memory without it. */
    readonly path?: string;
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }

  /** A server that is not listening yet; closing it also closes the database. */
  export default function dynalite(options?: Options): Server;
}
