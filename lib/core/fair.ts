import { type EpochMs, type Listed, secretOf } from './types.ts';

/**
 * The order in which due connections are refreshed. What has a token to lose comes before what never worked, what works
 * before what fails; within these round-robin over secrets, each with the token first that expires first. So a secret
 * with many connections, or with broken ones, does not hold up the others.
 */
export const inFairOrder = (due: readonly Listed[], now: EpochMs): readonly Listed[] => {
  const classes = Map.groupBy(due, each => classOf(each, now));
  return [...classes].toSorted(([a], [b]) => a - b).flatMap(([, members]) => roundRobin(members));
};

const classOf = ({ failures, expiresAt }: Listed, now: EpochMs): number => {
  if (failures === 0 && expiresAt !== undefined) return 0;
  if (expiresAt !== undefined && expiresAt > now) return 1;
  return failures === 0 ? 2 : 3;
};

/** The first of each secret, then the second of each, and so on. */
const roundRobin = (connections: readonly Listed[]): readonly Listed[] => {
  const turns = new Map<string, number>();
  return connections
    .toSorted(byUrgency)
    .map(connection => {
      const turn = turns.get(secretOf(connection.connection)) ?? 0;
      turns.set(secretOf(connection.connection), turn + 1);
      return { connection, turn };
    })
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ connection }) => connection);
};

const byUrgency = (a: Listed, b: Listed): number => (a.expiresAt ?? a.dueAt) - (b.expiresAt ?? b.dueAt);
