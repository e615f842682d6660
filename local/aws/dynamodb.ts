import type { Server } from 'node:http';
import dynalite from 'dynalite';

/**
 * A DynamoDB engine as an HTTP server that is not listening yet: in memory, or in a folder, where it survives a killed
 * process. Tables are created at once.
 */
export const createDynamoDb = (folder?: string): Server =>
  dynalite({ ...(folder !== undefined && { path: folder }), createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
