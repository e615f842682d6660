import type { Duration } from 'aws-cdk-lib';
import { type AddressRules, isHostPattern } from '../lib/core/hosts.ts';
import { defaultPolicy, type Policy, tickOf } from '../lib/core/policy.ts';
import type { Provider } from '../lib/core/provider.ts';
import { allShards, SHARDS } from '../lib/core/shard.ts';
import { type Milliseconds, minutes } from '../lib/core/types.ts';
import { providerIds, providers } from '../lib/providers/index.ts';

/** How one provider is served. */
export interface ProviderOptions {
  /**
   * The share of a token's lifetime after which it is renewed, from 0.1 to 0.9.
   *
   * @default 0.5
   */
  readonly refreshAt?: number;
  /**
   * How often it is looked what is due; whole minutes.
   *
   * @default - a tenth of the provider's documented lifetime, between 1 and 5 minutes
   */
  readonly tick?: Duration;
  /**
   * How many schedules, and so how many workers, share the provider's 8 shards. One refreshes some thousand connections.
   *
   * @default 1
   */
  readonly schedules?: number;
  /**
   * Hosts that the provider's API may have apart from those that are known: `api.example.com` or `*.example.com`.
   *
   * @default - the hosts of the provider's definition
   */
  readonly hosts?: readonly string[];
  /**
   * Whether the `baseUrl` of a secret may be on any host. If not, it must be on one of the provider's hosts.
   *
   * @default true
   */
  readonly ownBaseUrl?: boolean;
}

/** How a provider's connections are served; `tick` in milliseconds. */
export type Pace = Pick<Policy, 'tick' | 'refreshAt'>;

/** What a provider's part of the deployment is made from. */
export interface ProviderPlan {
  readonly provider: Provider;
  readonly pace: Pace;
  readonly rules: AddressRules;
  /** The shards of each schedule. */
  readonly schedules: readonly (readonly number[])[];
}

/** A setting that cannot be deployed; the message is a sentence for whoever set it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Checked and with all defaults; of every provider where none is named. */
export const plansOf = (chosen: Readonly<Record<string, ProviderOptions>> | undefined): readonly ProviderPlan[] => {
  if (chosen === undefined) return providers.map(provider => planOf(provider, {}));
  const ids = Object.keys(chosen);
  if (ids.length === 0) throw new SettingsError('"providers" must name at least one; leave it out to serve all.');
  const unknown = ids.find(id => !providerIds.includes(id));
  if (unknown !== undefined) {
    throw new SettingsError(`"providers" must be some of ${providerIds.join(', ')}, got "${unknown}".`);
  }
  return providers.flatMap(provider => {
    const options = chosen[provider.id];
    return options === undefined ? [] : [planOf(provider, options)];
  });
};

const planOf = (provider: Provider, options: ProviderOptions): ProviderPlan => {
  const { refreshAt = defaultPolicy.refreshAt, tick, schedules = 1, hosts = [], ownBaseUrl = true } = options;
  const what = (option: string) => `"${option}" of ${provider.id}`;
  if (!(refreshAt >= 0.1 && refreshAt <= 0.9)) {
    throw new SettingsError(`${what('refreshAt')} must be a fraction from 0.1 to 0.9, got ${refreshAt}.`);
  }
  if (!(Number.isInteger(schedules) && schedules >= 1 && schedules <= SHARDS)) {
    throw new SettingsError(`${what('schedules')} must be a whole number from 1 to ${SHARDS}, got ${schedules}.`);
  }
  const noHost = hosts.find(host => !isHostPattern(host));
  if (noHost !== undefined) {
    throw new SettingsError(
      `${what('hosts')} must name hosts such as "api.example.com" or "*.example.com", got "${noHost}".`,
    );
  }
  const every = tick?.toMilliseconds() ?? tickOf(provider);
  if (!(every >= minutes(1) && every % minutes(1) === 0)) {
    throw new SettingsError(
      `${what('tick')} must be a whole number of minutes, at least 1, got ${every / minutes(1)}.`,
    );
  }
  enoughChances(provider, refreshAt, every);
  return {
    provider,
    pace: { refreshAt, tick: every },
    rules: { hosts, ownBaseUrl },
    schedules: Array.from({ length: schedules }, (_, n) => allShards.filter(shard => shard % schedules === n)),
  };
};

/** A renewal must fall due at least two ticks before the token dies: one of them may fail. */
const enoughChances = (provider: Provider, refreshAt: number, tick: Milliseconds): void => {
  const latest = provider.lifetime * refreshAt * (1 + defaultPolicy.jitter);
  if (provider.lifetime - latest >= 2 * tick) return;
  const inMinutes = (duration: Milliseconds) => Number((duration / minutes(1)).toFixed(1));
  throw new SettingsError(
    `"refreshAt" ${refreshAt} with "tick" ${inMinutes(tick)} minutes leaves ${provider.id} less than two ticks before a token ` +
      `of ${inMinutes(provider.lifetime)} minutes dies: renew earlier or look more often.`,
  );
};
