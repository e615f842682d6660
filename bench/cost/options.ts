import { parseArgs } from 'node:util';
import { hours, type Milliseconds, minutes } from '../../lib/core/types.ts';
import { providerIds, providers } from '../../lib/providers/index.ts';
import type { CostDemand } from './demand.ts';
import { DemandError } from './plan.ts';

export const costUsage = `Usage: npm run cost -- [options]

  --connections N    so many connections, default 6
  --lifetime T       of their tokens, such as 20m or 1h; default each provider's own
  --packed N         so many connections in each secret, 1 to 2000, default 1
  --provider ID      their provider, or "all" in turns; default all, and with --lifetime the one whose tokens have it
  --keys N           so many applications, each with the provider's rate limit; default as few as keep within it
  --schedules N      so many schedules share a provider's connections, 1 to 8; default as many as they need
  --refresh-at S     the share of a token's life after which it is renewed, 0.1 to 0.9, default 0.5
  --reads N          so many tokens are read through the API each month, default 0
  --token-length N   characters of an access token, 20 to 16000, default 800
  --json             print JSON
  --record           write the figures of docs/cost.md; those of other schedules or connections are measured again
  --record-all       measure and write all of them
  --help             this text`;

export interface CostOptions {
  readonly demand: CostDemand;
  readonly json: boolean;
  readonly record: 'changed' | 'all' | undefined;
}

/** The options of the command line; undefined for --help. */
export const parseCostOptions = (args: readonly string[]): CostOptions | undefined => {
  const values = parse(args);
  if (values.help) return undefined;
  const lifetime = durationIn(values.lifetime);
  const whole = (option: Numeric, least: number, most: number) => wholeIn(option, values[option], least, most);
  const keys = whole('keys', 1, 100_000);
  const schedules = whole('schedules', 1, 8);
  const refreshAt = shareIn(values['refresh-at']);
  const demand: CostDemand = {
    connections: whole('connections', 1, 1_000_000) ?? 6,
    packed: whole('packed', 1, 2000) ?? 1,
    provider: providerIn(values.provider, lifetime),
    reads: whole('reads', 0, 1_000_000_000) ?? 0,
    tokenLength: whole('token-length', 20, 16_000) ?? 800,
    ...(lifetime !== undefined && { lifetime }),
    ...(keys !== undefined && { keys }),
    ...(schedules !== undefined && { schedules }),
    ...(refreshAt !== undefined && { refreshAt }),
  };
  return {
    demand,
    json: values.json ?? false,
    record: values['record-all'] ? 'all' : values.record ? 'changed' : undefined,
  };
};

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ connections: text, lifetime: text, packed: text, provider: text, keys: text, schedules: text },
        ...{
          'refresh-at': text,
          reads: text,
          'token-length': text,
          json: flag,
          record: flag,
          'record-all': flag,
          help: flag,
        },
      },
    }).values;
  } catch (error) {
    // Node's own sentence names the option.
    const [sentence = ''] = String(error instanceof Error ? error.message : error).split(/\.? *\n|\. |\.$/);
    throw new DemandError(`${sentence}.`);
  }
};

type Numeric = 'connections' | 'packed' | 'keys' | 'schedules' | 'reads' | 'token-length';

const wholeIn = (option: Numeric, given: string | undefined, least: number, most: number): number | undefined => {
  if (given === undefined) return undefined;
  const number = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new DemandError(`"--${option}" must be a whole number from ${least} to ${most}, got "${given}".`);
};

const shareIn = (given: string | undefined): number | undefined => {
  if (given === undefined) return undefined;
  const share = /^0?\.\d{1,4}$/.test(given) ? Number(given) : Number.NaN;
  if (share >= 0.1 && share <= 0.9) return share;
  throw new DemandError(`"--refresh-at" must be a share from 0.1 to 0.9, got "${given}".`);
};

const durationIn = (given: string | undefined): Milliseconds | undefined => {
  if (given === undefined) return undefined;
  const [, number, unit] = /^(\d{1,4})(m|h)$/.exec(given) ?? [];
  const duration = unit === 'h' ? hours(Number(number)) : minutes(Number(number));
  if (number !== undefined && duration >= minutes(5) && duration <= hours(48)) return duration;
  throw new DemandError(`"--lifetime" must be from 5m to 48h, in whole minutes or hours, got "${given}".`);
};

/** If two providers have that lifetime, the one without a rate limit. */
const providerIn = (given: string | undefined, lifetime: Milliseconds | undefined): string => {
  const ids = `${providerIds.join(', ')} or all`;
  if (given !== undefined) {
    if (given === 'all' || providerIds.includes(given)) return given;
    throw new DemandError(`"--provider" must be ${ids}, got "${given}".`);
  }
  if (lifetime === undefined) return 'all';
  const able = providers.filter(each => each.lifetime === lifetime);
  const found = able.find(({ rateLimit }) => rateLimit === undefined) ?? able[0];
  if (found) return found.id;
  throw new DemandError(`"--provider" must be ${ids}: no provider's own tokens have that "--lifetime".`);
};
