import { describe, expect, test } from 'vitest';
import { costUsage, parseCostOptions } from '../../bench/cost/options.ts';
import { DemandError, planOf } from '../../bench/cost/plan.ts';
import { hours, minutes } from '../../lib/core/types.ts';
import { providerIds } from '../../lib/providers/index.ts';

const planned = (text: string) => {
  const options = parseCostOptions(text.split(' ').filter(word => word !== ''));
  if (!options) throw new Error('this asks for help');
  return planOf(options.demand);
};
const sharesOf = (text: string) =>
  planned(text).shares.map(({ provider: { id }, connections, keys, schedules }) => [id, connections, keys, schedules]);

describe('the options of npm run cost', () => {
  test('are all in the usage', () => {
    const options = [...costUsage.matchAll(/^ {2}(--[\w-]+) ?(N|T|S|ID)?/gm)];
    expect(options).toHaveLength(13);
    const values: Readonly<Record<string, string>> = { T: '1h', S: '0.5', ID: 'petrosoft' };
    for (const [, option = '', kind] of options) {
      const number = option === '--token-length' ? '20' : '1';
      expect(() => parseCostOptions(kind ? [option, values[kind] ?? number] : [option])).not.toThrow();
    }
  });

  test('ask for help', () => {
    expect(parseCostOptions(['--help'])).toBeUndefined();
  });

  test('have defaults: six connections, one of each provider', () => {
    expect(parseCostOptions([])).toEqual({
      demand: { connections: 6, packed: 1, provider: 'all', reads: 0, tokenLength: 800 },
      json: false,
      record: undefined,
    });
    expect(sharesOf('').map(([, connections]) => connections)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('find the provider by the lifetime, one without a rate limit if there is one', () => {
    expect(sharesOf('--refresh-at 0.5 --connections 1000 --lifetime 20m --packed 200')).toEqual([
      ['poweroffice-v2', 1000, 1, 1],
    ]);
    expect(sharesOf('--refresh-at 0.5 --connections 100000 --lifetime 1h --packed 200')).toEqual([
      ['ioffice', 100_000, 1, 3],
    ]);
  });

  test('have as many applications as the provider’s rate limit needs', () => {
    // 10,000 renewals in ten minutes are 16.7 calls a second; one application gets five of them.
    expect(sharesOf('--refresh-at 0.5 --connections 10000 --lifetime 20m --packed 200')).toEqual([
      ['poweroffice-v2', 10_000, 4, 2],
    ]);
    expect(sharesOf('--refresh-at 0.5 --connections 10000 --lifetime 20m --packed 200 --keys 50')).toEqual([
      ['poweroffice-v2', 10_000, 50, 2],
    ]);
  });

  test('have their time metered for an hour or a lifetime, after a warm-up', () => {
    const { metered, warmUp } = planned('--refresh-at 0.5 --lifetime 8h');
    expect(metered).toBe(hours(8));
    expect(warmUp).toBeGreaterThan(hours(4.4));
    expect(planned('--refresh-at 0.5 --lifetime 20m').metered).toBe(hours(1));
    expect(planned('--refresh-at 0.5 --lifetime 20m').warmUp).toBeGreaterThan(minutes(11));
  });
});

const ids = `${providerIds.toSorted().join(', ')} or all`;
const range = (option: string, least: number, most: number, got: string) =>
  `"${option}" must be a whole number from ${least} to ${most}, got "${got}".`;

describe('what is wrong with an option is one sentence', () => {
  test.each([
    ['--connections 0', range('--connections', 1, 1_000_000, '0')],
    ['--connections many', range('--connections', 1, 1_000_000, 'many')],
    ['--packed 2001', range('--packed', 1, 2000, '2001')],
    ['--keys 0', range('--keys', 1, 100_000, '0')],
    ['--schedules 9', range('--schedules', 1, 8, '9')],
    ['--reads=-1', range('--reads', 0, 1_000_000_000, '-1')],
    ['--token-length 19', range('--token-length', 20, 16_000, '19')],
    ['--lifetime 20x', '"--lifetime" must be from 5m to 48h, in whole minutes or hours, got "20x".'],
    ['--lifetime 49h', '"--lifetime" must be from 5m to 48h, in whole minutes or hours, got "49h".'],
    ['--lifetime 17m', `"--provider" must be ${ids}: no provider's own tokens have that "--lifetime".`],
    ['--provider acme', `"--provider" must be ${ids}, got "acme".`],
    ['--refresh-at 2', '"--refresh-at" must be a share from 0.1 to 0.9, got "2".'],
    ['--refresh-at 0.05', '"--refresh-at" must be a share from 0.1 to 0.9, got "0.05".'],
    ['--lifetim 20m', "Unknown option '--lifetim'."],
    ['6', "Unexpected argument '6'."],
    ['--connections', "Option '--connections <value>' argument missing."],
    ['--connections --json', "Option '--connections' argument is ambiguous."],
    [
      '--refresh-at 0.5 --lifetime 5m --provider petrosoft',
      '"--lifetime" must be at least 23m, or "--refresh-at" smaller: petrosoft looks for due connections every 5 minutes.',
    ],
    [
      '--refresh-at 0.9 --provider poweroffice-v1',
      '"--lifetime" must be at least 201m, or "--refresh-at" smaller: poweroffice-v1 looks for due connections every minute.',
    ],
    [
      '--refresh-at 0.5 --connections 1000 --provider officernd',
      '"--connections" must be at most about 71 for officernd: it takes 5 calls in 60 s from all applications together.',
    ],
    [
      '--refresh-at 0.5 --connections 20000 --lifetime 20m --packed 200 --keys 1',
      '"--keys" must be at least 7: poweroffice-v2 takes 10 calls in 1 s of one application.',
    ],
    [
      '--connections 8000 --lifetime 20m --provider poweroffice-v2 --packed 2000 --refresh-at 0.1',
      '"--packed" must be at most 571: poweroffice-v2 takes 10 calls in 1 s of one application, and a secret belongs to one.',
    ],
  ])('%s', (text, message) => {
    expect(() => planned(text)).toThrow(new DemandError(message));
  });
});
