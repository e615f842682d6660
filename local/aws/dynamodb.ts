import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type dynalite from 'dynalite';
import { PatientLevel } from './patient-level.ts';

export interface Engine {
  /** Not listening yet. Closing it also closes the database. */
  readonly server: Server;
  /** The database in a folder; without one everything is in memory. */
  readonly database?: PatientLevel;
}

const made: { database?: PatientLevel } = {};

/** The engine creates its database itself. It uses the class that this module exports when the engine is loaded. */
const engineWith = (Level: typeof PatientLevel): typeof dynalite => {
  const load = createRequire(createRequire(import.meta.url).resolve('dynalite'));
  load('level').Level = Level;
  return load('dynalite');
};

const engine = engineWith(
  class extends PatientLevel {
    constructor(...args: ConstructorParameters<typeof PatientLevel>) {
      super(...args);
      made.database = this;
    }
  },
);

/** A DynamoDB engine: in memory, or in a folder, where it survives a killed process. Tables are created at once. */
export const createDynamoDb = (folder?: string): Engine => {
  delete made.database;
  const server = engine({
    ...(folder !== undefined && { path: folder }),
    ...{ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 },
  });
  return { server, ...made };
};
