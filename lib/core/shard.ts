import { hash } from 'node:crypto';
import type { ConnectionId } from './types.ts';

/**
 * The number of partitions of a provider's connections. It is fixed: no record ever moves. The deployment decides how
 * many schedules share them.
 */
export const SHARDS = 8;

/** A stable number in [0, 1) for a connection's name: spreads shards and renewals without any state. */
export const spread = (connection: ConnectionId, salt: string): number =>
  hash('sha256', `${salt}\0${connection}`, 'buffer').readUInt32BE(0) / 2 ** 32;

export const shardOf = (connection: ConnectionId): number => Math.floor(spread(connection, 'shard') * SHARDS);

export const allShards: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);
