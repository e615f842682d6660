import { plansOf, SettingsError } from '../../infra/options.ts';
import { defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import type { Provider } from '../../lib/core/provider.ts';
import { SHARDS } from '../../lib/core/shard.ts';
import { hours, type Milliseconds, minutes } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { limitIsOfKey } from './customers.ts';
import type { CostDemand } from './demand.ts';

/** A demand that cannot be met as written; the message is a sentence that names the option. */
export class DemandError extends Error {
  override readonly name = 'DemandError';
}

/** The connections of one provider. */
export interface Share {
  readonly provider: Provider;
  readonly connections: number;
  readonly lifetime: Milliseconds;
  readonly packed: number;
  readonly keys: number;
  readonly schedules: number;
}

export interface Plan {
  readonly shares: readonly Share[];
  readonly refreshAt: number;
  readonly reads: number;
  readonly tokenLength: number;
  /** The time before metering. Secrets are created in its first part, one after another. */
  readonly warmUp: Milliseconds;
  /** The metered time. */
  readonly metered: Milliseconds;
}

/** A schedule plans this many renewals per tick, with half as many more for a bad day. */
const PER_TICK = 1500;
/** The schedule's lane may use two thirds of a rate limit; the plan uses this part. */
const OF_LIMIT = 0.5;

export const planOf = (demand: CostDemand): Plan => {
  const { refreshAt = defaultPolicy.refreshAt, reads, tokenLength } = demand;
  const chosen = providers.filter(({ id }) => demand.provider === 'all' || id === demand.provider);
  const shares = chosen.map((provider, n) => {
    const each = Math.floor(demand.connections / chosen.length) + (n < demand.connections % chosen.length ? 1 : 0);
    return shareOf(provider, each, refreshAt, demand);
  });
  const served = shares.filter(({ connections }) => connections > 0);
  const longest = Math.max(...served.map(({ lifetime }) => lifetime));
  for (const share of served) checkChances(share, refreshAt);
  return {
    ...{ shares: served, refreshAt, reads, tokenLength },
    warmUp: longest * refreshAt * (1 + defaultPolicy.jitter) + minutes(10),
    metered: Math.max(hours(1), longest),
  };
};

/** The same check as in a deployment: a renewal is due at least two ticks before the token expires. */
const checkChances = ({ provider, lifetime, schedules }: Share, refreshAt: number): void => {
  const tick = tickOf(provider);
  const left = 1 - refreshAt * (1 + defaultPolicy.jitter);
  if (lifetime * left < 2 * tick) {
    const least = Math.ceil((2 * tick) / left / minutes(1));
    const pause = tick === minutes(1) ? 'minute' : `${tick / minutes(1)} minutes`;
    const ticks = `${provider.id} looks for due connections every ${pause}`;
    throw new DemandError(
      left > 0
        ? `"--lifetime" must be at least ${least}m, or "--refresh-at" smaller: ${ticks}.`
        : `"--refresh-at" must be smaller: ${ticks}.`,
    );
  }
  try {
    plansOf({ [provider.id]: { refreshAt, schedules } });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new DemandError(`"--refresh-at" cannot be deployed: ${error.message}`);
  }
};

const shareOf = (provider: Provider, connections: number, refreshAt: number, demand: CostDemand): Share => {
  const { lifetime = provider.lifetime, packed } = demand;
  const perMillisecond = connections / (lifetime * refreshAt);
  const keys = keysOf(provider, perMillisecond, demand);
  const schedules = demand.schedules ?? Math.ceil((perMillisecond * tickOf(provider)) / PER_TICK);
  return { provider, connections, lifetime, packed, keys, schedules: Math.min(SHARDS, Math.max(1, schedules)) };
};

/** The smallest number of applications that stays within the provider's rate limit. */
const keysOf = (provider: Provider, perMillisecond: number, { keys, connections, packed }: CostDemand): number => {
  const { id, rateLimit } = provider;
  if (!rateLimit) return keys ?? 1;
  const needed = Math.max(1, Math.ceil(perMillisecond / ((OF_LIMIT * rateLimit.calls) / rateLimit.per)));
  const limit = `${rateLimit.calls} calls in ${rateLimit.per / 1000} s`;
  if (needed > 1 && !limitIsOfKey(provider)) {
    const most = Math.floor(connections / needed);
    throw new DemandError(
      `"--connections" must be at most about ${most} for ${id}: it takes ${limit} from all applications together.`,
    );
  }
  const secrets = Math.ceil(connections / packed);
  if (needed > secrets) {
    throw new DemandError(
      `"--packed" must be at most ${Math.floor(connections / needed)}: ${id} takes ${limit} of one application, and a secret belongs to one.`,
    );
  }
  if (keys !== undefined && keys < needed) {
    throw new DemandError(`"--keys" must be at least ${needed}: ${id} takes ${limit} of one application.`);
  }
  return keys ?? needed;
};
