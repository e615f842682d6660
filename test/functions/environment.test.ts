import { describe, expect, it } from 'vitest';
import { environmentOf } from '../../functions/environment.ts';

const good = {
  refresh: {
    TOKENS_TABLE: 't',
    CONNECTIONS_TABLE: 'c',
    PROVIDER: 'petrosoft',
    EVENT_BUS: 'b',
    DEPLOYMENT: 'token-refresher',
    PACE: '{"refreshAt":0.5,"tick":60000}',
  },
  watch: {
    TOKENS_TABLE: 't',
    CONNECTIONS_TABLE: 'c',
    EVENT_BUS: 'b',
    ALARM_TOPIC: 'a',
    DEPLOYMENT: 'token-refresher',
    PACES: '{"petrosoft":{"refreshAt":0.5,"tick":60000,"lifetime":86400000}}',
    RUNBOOK: 'https://example.com/runbook.md',
    CONNECTIONS_PER_SECRET: '200',
  },
  api: {
    TOKENS_TABLE: 't',
    CONNECTIONS_TABLE: 'c',
    DEPLOYMENT: 'token-refresher',
    REFRESHERS: '{"petrosoft":{"functionName":"function-of-petrosoft","refreshAt":0.5,"tick":60000}}',
  },
} as const;
const names = Object.keys(good) as (keyof typeof good)[];
const variables = names.flatMap(name => Object.keys(good[name]).map(variable => [name, variable] as const));

describe('the environment of a function', () => {
  it.each(names)('%s is read, and what is none of its business is not', name => {
    expect(Object.keys(environmentOf(name, { ...good[name], AWS_SECRET_ACCESS_KEY: 'planted' })).sort()).toEqual(
      Object.keys(good[name]).sort(),
    );
  });

  it('is parsed if it holds several values', () => {
    expect(environmentOf('refresh', good.refresh).PACE).toEqual({ refreshAt: 0.5, tick: 60_000 });
    expect(environmentOf('watch', good.watch).PACES).toEqual({
      petrosoft: { refreshAt: 0.5, tick: 60_000, lifetime: 86_400_000 },
    });
    expect(environmentOf('api', good.api).REFRESHERS).toEqual({
      petrosoft: { functionName: 'function-of-petrosoft', refreshAt: 0.5, tick: 60_000 },
    });
  });

  it.each(variables)('of %s without %s says which function lacks which variable', (name, variable) => {
    const env = { ...good[name], [variable]: undefined };
    expect(() => environmentOf(name, env)).toThrow(new RegExp(`"${name}".*${variable}: `));
  });

  it.each(variables)('of %s with an empty %s says so too', (name, variable) => {
    expect(() => environmentOf(name, { ...good[name], [variable]: '' })).toThrow(variable);
  });

  it('names everything that is missing at once', () => {
    expect(() => environmentOf('refresh', {})).toThrow(/TOKENS_TABLE.*CONNECTIONS_TABLE.*PROVIDER/);
  });

  it.each(['not JSON', '[]', '"text"', '{"petrosoft":1}', '{"petrosoft":{"functionName":"f"}}', 'null', '{'])(
    'names REFRESHERS if it is %s',
    REFRESHERS => {
      expect(() => environmentOf('api', { ...good.api, REFRESHERS })).toThrow(/"api".*REFRESHERS/);
    },
  );

  it.each(['{}', '{"refreshAt":0.5}', '{"refreshAt":0.05,"tick":60000}', '{"refreshAt":0.5,"tick":0}'])(
    'names PACE if it is %s',
    PACE => {
      expect(() => environmentOf('refresh', { ...good.refresh, PACE })).toThrow(/"refresh".*PACE/);
    },
  );

  it.each(['Shop', 'shop/', '-shop', 'a'.repeat(41)])('refuses %s as the name of a deployment', DEPLOYMENT => {
    expect(() => environmentOf('watch', { ...good.watch, DEPLOYMENT })).toThrow('DEPLOYMENT');
  });
});
