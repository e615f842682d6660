import { type EpochMs, type Listed, type Milliseconds, plus, secretOf } from './types.ts';

/**
 * The order in which due connections are refreshed. First tokens close to expiry, and for every few of these one
 * connection that never had a token; then the other valid tokens; then failing connections; last, expired ones. Within
 * each class round-robin over secrets: one secret with many or broken connections does not hold up the others. `life`:
 * the provider's token lifetime.
 */
export const inFairOrder = (due: readonly Listed[], life: Milliseconds, now: EpochMs): readonly Listed[] => {
  const classes = Map.groupBy(due, each => classOf(each, life, now));
  const of = (name: Class): readonly Listed[] => roundRobin(classes.get(name) ?? []);
  return [...mixed(of('close'), of('new')), ...of('works'), ...of('fails'), ...of('expired')];
};

type Class = 'close' | 'new' | 'works' | 'fails' | 'expired';

/** The last part of a token's life, several ticks long. */
const CLOSE = 0.2;
/** This many tokens close to expiry come before one connection that never had a token. */
const SHARE = 3;

const classOf = (connection: Listed, life: Milliseconds, now: EpochMs): Class => {
  const { expiresAt } = connection;
  if (fails(connection)) return expiresAt !== undefined && expiresAt > now ? 'fails' : 'expired';
  if (expiresAt === undefined) return 'new';
  return expiresAt <= plus(now, CLOSE * life) ? 'close' : 'works';
};

/** A call that the provider's rate limit refused says nothing about the connection. */
export const fails = ({ failures, lastError }: Listed): boolean => failures > 0 && lastError?.code !== 'rate_limited';

const mixed = <T>(many: readonly T[], few: readonly T[]): readonly T[] => {
  const steps = Math.max(Math.ceil(many.length / SHARE), few.length);
  return Array.from({ length: steps }, (_, n) => [
    ...many.slice(n * SHARE, (n + 1) * SHARE),
    ...few.slice(n, n + 1),
  ]).flat();
};

/** The first of each secret, then the second of each, and so on. */
export const roundRobin = (connections: readonly Listed[]): Listed[] => {
  const turns = new Map<string, number>();
  return connections
    .toSorted((a, b) => (a.expiresAt ?? a.dueAt) - (b.expiresAt ?? b.dueAt))
    .map(connection => {
      const turn = turns.get(secretOf(connection.connection)) ?? 0;
      turns.set(secretOf(connection.connection), turn + 1);
      return { connection, turn };
    })
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ connection }) => connection);
};
