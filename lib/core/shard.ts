import { createHash } from 'node:crypto';
import type { ConnectionId } from './types.ts';

/**
 * Partitions of a provider's connections. Fixed, so that no record ever moves; how many schedules share them is a
 * matter of deployment.
 */
export const SHARDS = 8;

/** A number in [0, 1) that a connection's name always gives: spreads shards and renewals without any state. */
export const spread = (connection: ConnectionId, salt: string): number =>
  createHash('sha256').update(`${salt}\0${connection}`).digest().readUInt32BE(0) / 2 ** 32;

export const shardOf = (connection: ConnectionId): number => Math.floor(spread(connection, 'shard') * SHARDS);

export const allShards: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);
