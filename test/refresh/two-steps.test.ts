import { expect, it } from 'vitest';
import { jsonObject } from '../../lib/core/json.ts';
import { minutes } from '../../lib/core/types.ts';
import { providerFromData } from '../../lib/definition/from-file.ts';
import { small } from '../definition/acme.ts';
import { idOf } from '../kit/records.ts';
import { answer } from '../kit/vendor.ts';
import { World } from '../kit/world.ts';

/** A login in two steps needs two rate-limit slots: with first steps alone no connection would get a token. */

const twoSteps = (calls: number) =>
  providerFromData({
    ...small,
    login: [
      { url: '{base}/code', json: { id: '{clientId}' } },
      { url: '{base}/token', json: { code: '{answer.code}' } },
    ],
    rateLimit: { calls, per: '1m' },
  });

const key = (n: number) => idOf(`c${n}`, 'acme');

/** Connections of a provider with this many calls a minute; `down`: the provider fails until it is set to false. */
const worldOf = async (calls: number, connections: number) => {
  let down = false;
  const world = new World([twoSteps(calls)], ({ body = '' }) => {
    if (down) return answer('', 503);
    return answer('code' in (jsonObject(body) ?? {}) ? { access_token: 'made-up', expires_in: 3600 } : { code: 'one' });
  });
  for (let n = 0; n < connections; n += 1) await world.add(key(n), { clientId: `c${n}`, clientSecret: 's' });
  const tokens = async () => {
    const found = await Promise.all(Array.from({ length: connections }, (_, n) => world.stores.tokens.get(key(n))));
    return found.filter(token => token !== undefined).length;
  };
  return {
    ...{ world, tokens },
    fail: (yes: boolean) => {
      down = yes;
    },
  };
};

it.each([2, 3, 4, 6])('%i calls a minute bring six connections their tokens', async calls => {
  const { world, tokens } = await worldOf(calls, 6);
  await world.run('acme', minutes(20), minutes(1));
  expect(await tokens()).toBe(6);
});

it.each([2, 4])('a connection that failed is brought back by %i calls a minute', async calls => {
  const { world, tokens, fail } = await worldOf(calls, 1);
  fail(true);
  await world.run('acme', minutes(10), minutes(1));
  expect(await tokens()).toBe(0);
  fail(false);
  await world.run('acme', minutes(20), minutes(1));
  expect(await tokens()).toBe(1);
});

it('fewer calls than steps are refused', () => {
  expect(() => twoSteps(1)).toThrow('"rateLimit.calls" must be at least 2: a login has two steps.');
});
