import * as z from 'zod';
import type { Provider } from '../../lib/core/provider.ts';
import { SHARDS } from '../../lib/core/shard.ts';
import { type ConnectionId, epochMs, parseConnectionId, plus, providerOf } from '../../lib/core/types.ts';
import { type RefreshAnswer, refreshOnDemand } from '../../lib/refresh/demand.ts';
import { type SweepDeps, type SweepReport, sweep } from '../../lib/refresh/sweep.ts';

/** Lambda's remaining time, in milliseconds. */
export interface Invocation {
  getRemainingTimeInMillis(): number;
}

const connection = z.string().transform((text, context): ConnectionId => {
  const id = parseConnectionId(text);
  if (id) return id;
  context.addIssue('must be "<provider>/<name>" or "<provider>/<name>/<key>"');
  return z.NEVER;
});

const eventSchema = z.union([
  z.strictObject({
    shards: z
      .array(
        z
          .int()
          .min(0)
          .max(SHARDS - 1),
      )
      .min(1),
  }),
  z.strictObject({
    request: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('ifNeeded'), connection, minTtl: z.number().min(0), waits: z.boolean() }),
      z.strictObject({ kind: z.literal('operator'), connection, waits: z.boolean() }),
      z.strictObject({
        kind: z.literal('force'),
        connection,
        issuedAt: z.int().transform(epochMs),
        waits: z.boolean(),
      }),
    ]),
  }),
]);
export type RefreshEvent = z.input<typeof eventSchema>;

/**
 * Runs a tick over some shards, or refreshes one connection on demand. One provider only: the function can read no
 * other secrets.
 */
export const refreshHandler =
  (deps: SweepDeps, provider: Provider) =>
  async (event: unknown, invocation: Invocation): Promise<SweepReport | RefreshAnswer> => {
    const parsed = eventSchema.parse(event);
    if ('shards' in parsed) {
      const until = plus(deps.clock.now(), invocation.getRemainingTimeInMillis());
      return sweep(deps, provider, parsed.shards, until);
    }
    const { request } = parsed;
    return providerOf(request.connection) === provider.id
      ? refreshOnDemand(deps, provider, request)
      : { result: 'unknown' };
  };
