import type { Duration } from 'aws-cdk-lib';
import { type AddressRules, isHostPattern } from '../lib/core/hosts.ts';
import { defaultPolicy, leavesTwoTicks, type Pace, tickOf } from '../lib/core/policy.ts';
import type { Provider } from '../lib/core/provider.ts';
import { allShards, SHARDS } from '../lib/core/shard.ts';
import { type Milliseconds, minutes } from '../lib/core/types.ts';
import { DefinitionError } from '../lib/definition/parse.ts';
import type { DefinedProvider } from '../lib/definition/provider.ts';
import { readProviderFile } from '../lib/definition-files.ts';
import { findProvider, providerIds, providers } from '../lib/providers/index.ts';

/** A provider that is not built in: `providerFromFile` makes it. */
export class ProviderDefinition {
  /** The id in the definition, which is the provider's part of a connection's name. */
  readonly id: string;
  /** @internal */
  readonly provider: DefinedProvider;

  /** @internal */
  constructor(provider: DefinedProvider) {
    this.id = provider.id;
    this.provider = provider;
  }
}

/** The settings of one provider. */
export interface ProviderOptions {
  /**
   * A provider that is not built in: see `providerFromFile`.
   *
   * @default - the built-in provider of this name
   */
  readonly definition?: ProviderDefinition;
  /**
   * The share of a token's lifetime after which it is renewed, from 0.1 to 0.9.
   *
   * @default 0.5
   */
  readonly refreshAt?: number;
  /**
   * The polling interval: how often the schedule looks for due connections, in whole minutes.
   *
   * @default - a tenth of the provider's documented lifetime, between 1 and 5 minutes
   */
  readonly tick?: Duration;
  /**
   * How many schedules, and therefore workers, share the provider's 8 shards. One worker refreshes some thousand
   * connections.
   *
   * @default 1
   */
  readonly schedules?: number;
  /**
   * The hosts of the provider's API in addition to the known ones: `api.example.com` or `*.example.com`.
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

/** The plan for a provider's part of the deployment. */
export interface ProviderPlan {
  readonly provider: DefinedProvider;
  readonly pace: Pace;
  readonly rules: Omit<AddressRules, 'loopback'>;
  /** The shards of each schedule. */
  readonly schedules: readonly (readonly number[])[];
}

/** A setting that cannot be deployed; the message is a sentence for the person who set it. */
export class SettingsError extends Error {
  /** Always `SettingsError`. */
  override readonly name = 'SettingsError';
}

/** `"alarmEmail" must be an e-mail address, got "foo".` */
export const mustBe = (setting: string, what: string, value: unknown): SettingsError =>
  new SettingsError(`"${setting}" must be ${what}, got ${typeof value === 'number' ? value : JSON.stringify(value)}.`);

/** A whole number in a range, otherwise an error with the range. */
export const wholeNumber = (setting: string, value: number, least: number, most: number): number => {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw mustBe(setting, `a whole number from ${least} to ${most}`, value);
};

/** All checked, with defaults; if none is named, every built-in provider. */
export const plansOf = (chosen: Readonly<Record<string, ProviderOptions>> | undefined): readonly ProviderPlan[] => {
  if (chosen === undefined) return providers.map(provider => planOf(provider, {}));
  const entries = Object.entries(chosen);
  if (entries.length === 0 || entries.length > MOST) {
    throw mustBe('providers', `1 to ${MOST} of ${providerIds.join(', ')}, or of your own`, Object.keys(chosen));
  }
  return entries.map(([id, options]) => planOf(providerOf(id, options), options));
};

/** A function's environment holds 4 kB, and the API's contains the function name of each provider. */
const MOST = 25;

const providerOf = (id: string, { definition }: ProviderOptions): DefinedProvider => {
  const known = findProvider(id);
  if (!definition) {
    if (known) return known;
    throw mustBe('providers', `some of ${providerIds.join(', ')}, or of your own`, id);
  }
  if (known) throw new SettingsError(`"${id}" is a built-in provider: give your definition another "id".`);
  if (!(definition instanceof ProviderDefinition)) {
    throw mustBe(`providers.${id}.definition`, 'one that "providerFromFile" made', definition);
  }
  if (definition.id === id) return definition.provider;
  throw mustBe(`providers.${id}`, `a definition with the "id" "${id}"`, definition.id);
};

/** A provider of your own, from the file of its definition (docs/providers.md). Throws a `SettingsError`. */
export const providerFromFile = (path: string): ProviderOptions => ({
  definition: new ProviderDefinition(settingsErrors(() => readProviderFile(path))),
});

/** Reports a faulty definition as a faulty setting. */
export const settingsErrors = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw error instanceof DefinitionError ? new SettingsError(error.message, { cause: error }) : error;
  }
};

const planOf = (provider: DefinedProvider, options: ProviderOptions): ProviderPlan => {
  const { refreshAt = provider.refreshAt ?? defaultPolicy.refreshAt, tick, schedules = 1 } = options;
  const { hosts = [], ownBaseUrl = true } = options;
  const name = (option: string) => `${provider.id}.${option}`;
  if (!(refreshAt >= 0.1 && refreshAt <= 0.9)) throw mustBe(name('refreshAt'), 'a fraction from 0.1 to 0.9', refreshAt);
  wholeNumber(name('schedules'), schedules, 1, SHARDS);
  const noHost = hosts.find(host => !isHostPattern(host));
  if (noHost !== undefined) throw mustBe(name('hosts'), 'hosts such as "api.example.com" or "*.example.com"', noHost);
  const every = tick?.toMilliseconds() ?? tickOf(provider);
  if (!(every >= minutes(1) && every % minutes(1) === 0)) {
    throw mustBe(name('tick'), 'a whole number of minutes, at least 1', every / minutes(1));
  }
  enoughChances(provider, refreshAt, every);
  return {
    provider,
    pace: { refreshAt, tick: every, ...(provider.renewWithin !== undefined && { renewWithin: provider.renewWithin }) },
    rules: { hosts, ownBaseUrl },
    schedules: Array.from({ length: schedules }, (_, n) => allShards.filter(shard => shard % schedules === n)),
  };
};

const enoughChances = (provider: Provider, refreshAt: number, tick: Milliseconds): void => {
  if (leavesTwoTicks(provider, refreshAt, tick)) return;
  const inMinutes = (duration: Milliseconds) => Number((duration / minutes(1)).toFixed(1));
  throw new SettingsError(
    `"${provider.id}.refreshAt" and "${provider.id}.tick" must leave two ticks before a token of ${inMinutes(provider.lifetime)} ` +
      `minutes expires, got ${refreshAt} and ${inMinutes(tick)} minutes.`,
  );
};
