import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { TokenCache } from '../../lib/client/cache.ts';
import { TokenError } from '../../lib/client/errors.ts';
import { apiPatience, tablePatience } from '../../lib/client/patience.ts';
import { ACME, CLIENT_START, made, madeEnvironment, steppedSource } from './made.ts';

const unreachable = new TokenError('source_unreachable', ACME, 'planted');
const ended = new TokenError('unknown_connection', ACME, 'planted');

/** A cache that holds a token of 20 minutes, issued at `START`. */
const holding = async (life = 1_200_000) => {
  const environment = madeEnvironment();
  const stepped = steppedSource();
  const cache = new TokenCache({ ...environment, source: stepped.source });
  const get = (minTtl = 0) => cache.get(ACME, minTtl);
  const first = get();
  stepped.fetches[0]?.answer(made(0, { expiresAt: CLIENT_START + life }));
  await first;
  stepped.fetches.length = 0;
  const nameOf = async (minTtl?: number) => (await get(minTtl)).accessToken;
  return { ...environment, ...stepped, cache, get, nameOf };
};

describe('the windows of a token', () => {
  it('of 20 minutes: memory alone, then one fetch behind the cached token, then a wait', async () => {
    // With the least chance the windows begin when 25 % and 10 % of the life are left.
    const { fetches, get, nameOf, pass, state } = await holding();
    pass(900_000 - 1);
    expect(await nameOf()).toBe('invented-0');
    expect(fetches).toHaveLength(0);
    state.now = CLIENT_START + 1_080_000 - 1;
    expect(await nameOf()).toBe('invented-0');
    expect(await nameOf()).toBe('invented-0');
    expect(fetches).toMatchObject([{ patience: 'short' }]);
    pass(1);
    const waiting = get();
    expect(fetches).toHaveLength(1);
    fetches[0]?.answer(made(1));
    expect((await waiting).accessToken).toBe('invented-1');
  });

  it.each([
    [600_000, 0, 450_000],
    [600_000, 1, 390_000],
    [86_400_000, 0, 64_800_000],
    [86_400_000, 1, 56_160_000],
  ])('of %i ms, with chance %i, begin after %i ms', async (life, chance, after) => {
    const { source, fetches } = steppedSource();
    const { environment, state, pass } = madeEnvironment();
    state.chance = chance;
    const cache = new TokenCache({ ...environment, source });
    const first = cache.get(ACME, 0);
    fetches[0]?.answer(made(0, { expiresAt: CLIENT_START + life }));
    await first;
    pass(after - 1);
    await cache.get(ACME, 0);
    expect(fetches).toHaveLength(1);
    pass(1);
    await cache.get(ACME, 0);
    expect(fetches).toHaveLength(2);
  });

  it('a caller that needs more life waits, and others do not', async () => {
    const { fetches, get, nameOf } = await holding();
    const needy = get(1201);
    expect(fetches).toMatchObject([{ minTtl: 1201 }]);
    expect(await nameOf(1200)).toBe('invented-0');
    fetches[0]?.answer(made(1, { expiresAt: CLIENT_START + 3_600_000 }));
    expect((await needy).accessToken).toBe('invented-1');
  });

  it('callers that need more life than the running fetch is for wait for it, and share the next one', async () => {
    const { fetches, get, state } = await holding();
    state.now = CLIENT_START + 1_190_000;
    const [modest, needy, neediest] = [get(60), get(1800), get(3000)];
    expect(fetches.map(({ minTtl }) => minTtl)).toEqual([60]);
    fetches[0]?.answer(made(1));
    expect((await modest).accessToken).toBe('invented-1');
    await expect.poll(() => fetches.map(({ minTtl }) => minTtl)).toEqual([60, 3000]);
    fetches[1]?.answer(made(2, { expiresAt: CLIENT_START + 5_000_000 }));
    expect((await needy).accessToken).toBe('invented-2');
    expect((await neediest).accessToken).toBe('invented-2');
    expect(fetches).toHaveLength(2);
  });
});

describe('one fetch', () => {
  it('serves 1,000 callers', async () => {
    const { source, fetches } = steppedSource();
    const cache = new TokenCache({ ...madeEnvironment().environment, source });
    const callers = Array.from({ length: 1000 }, () => cache.get(ACME, 60));
    expect(fetches).toMatchObject([{ patience: 'long', minTtl: 60 }]);
    fetches[0]?.answer(made(1));
    expect(new Set((await Promise.all(callers)).map(({ accessToken }) => accessToken))).toEqual(
      new Set(['invented-1']),
    );
    expect(fetches).toHaveLength(1);
  });

  it('serves callers that need different times to expiry, if its token is enough', async () => {
    const { source, fetches } = steppedSource();
    const cache = new TokenCache({ ...madeEnvironment().environment, source });
    const callers = Array.from({ length: 1000 }, (_, n) => cache.get(ACME, n));
    expect(fetches).toMatchObject([{ minTtl: 0 }]);
    fetches[0]?.answer(made(1));
    expect(new Set((await Promise.all(callers)).map(({ accessToken }) => accessToken))).toEqual(
      new Set(['invented-1']),
    );
    expect(fetches).toHaveLength(1);
  });

  it('fails for all its callers, and the next caller starts another', async () => {
    const { source, fetches } = steppedSource();
    const cache = new TokenCache({ ...madeEnvironment().environment, source });
    const callers = [cache.get(ACME, 0), cache.get(ACME, 0)];
    fetches[0]?.fail(unreachable);
    for (const each of await Promise.allSettled(callers)) expect(each).toMatchObject({ reason: unreachable });
    const next = cache.get(ACME, 0);
    fetches[1]?.answer(made(1));
    expect((await next).accessToken).toBe('invented-1');
  });

  it('that began before the process was frozen is not waited for', async () => {
    const { fetches, get, nameOf, pass, state } = await holding();
    state.now = CLIENT_START + 900_000;
    await nameOf();
    // As long as a healthy fetch may take with both sources.
    pass(tablePatience.long + apiPatience.long);
    await nameOf();
    expect(fetches).toHaveLength(1);
    pass(600_000);
    const afterwards = get();
    expect(fetches).toHaveLength(2);
    fetches[0]?.fail(unreachable);
    fetches[1]?.answer(made(1));
    expect((await afterwards).accessToken).toBe('invented-1');
  });

  it('does not replace a token by an older one', async () => {
    const { fetches, get, cache, renewed, state } = await holding();
    state.now = CLIENT_START + 1_190_000;
    const slow = get();
    const renewal = cache.renew(made(0));
    renewed[0]?.answer(made(5));
    await renewal;
    fetches[0]?.answer(made(4));
    expect((await slow).accessToken).toBe('invented-5');
  });

  it('brings the earlier expiry of the same token, and not a later one', async () => {
    const { fetches, get } = await holding();
    const expiries = [CLIENT_START + 900_000, CLIENT_START + 1_200_000];
    for (const [n, expiresAt] of expiries.entries()) {
      const needy = get(1300 + n);
      fetches[n]?.answer(made(0, { expiresAt }));
      expect(await needy).toMatchObject({ accessToken: 'invented-0', expiresAt: CLIENT_START + 900_000 });
    }
    expect(fetches).toHaveLength(2);
  });

  it('replaces an expired token even by an older one, as a restored table has it', async () => {
    const { fetches, get, pass } = await holding();
    pass(1_300_000);
    const restored = get();
    fetches[0]?.answer(made(-5, { expiresAt: CLIENT_START + 3_600_000 }));
    expect((await restored).accessToken).toBe('invented--5');
    expect((await get()).accessToken).toBe('invented--5');
    expect(fetches).toHaveLength(1);
  });
});

describe('if the source fails', () => {
  it('a valid token is used, and the next fetch comes after a pause', async () => {
    const { fetches, get, nameOf, pass, state } = await holding();
    state.now = CLIENT_START + 1_100_000;
    const waiting = get();
    fetches[0]?.fail(unreachable);
    expect((await waiting).accessToken).toBe('invented-0');
    // With the least chance, half of 30 seconds.
    pass(14_999);
    expect(await nameOf()).toBe('invented-0');
    expect(fetches).toHaveLength(1);
    pass(1);
    const again = get();
    expect(fetches).toHaveLength(2);
    fetches[1]?.answer(made(1));
    expect((await again).accessToken).toBe('invented-1');
  });

  it('behind a cached token, nobody notices', async () => {
    const { fetches, nameOf, state } = await holding();
    state.now = CLIENT_START + 900_000;
    expect(await nameOf()).toBe('invented-0');
    fetches[0]?.fail(unreachable);
    expect(await nameOf()).toBe('invented-0');
  });

  it('an expired token is not used', async () => {
    const { fetches, get, state } = await holding();
    state.now = CLIENT_START + 1_200_000;
    const waiting = get();
    fetches[0]?.fail(unreachable);
    await expect(waiting).rejects.toBe(unreachable);
  });

  it('a token that expires during the fetch is not used', async () => {
    const { fetches, get, pass, state } = await holding();
    state.now = CLIENT_START + 1_199_000;
    const waiting = get();
    pass(1000);
    fetches[0]?.fail(unreachable);
    await expect(waiting).rejects.toBe(unreachable);
  });

  it('the token of a connection that has ended is not used any more', async () => {
    const { fetches, get, nameOf, state } = await holding();
    state.now = CLIENT_START + 900_000;
    expect(await nameOf()).toBe('invented-0');
    fetches[0]?.fail(ended);
    await new Promise(setImmediate);
    const next = get();
    fetches[1]?.fail(ended);
    await expect(next).rejects.toBe(ended);
  });

  it('a token without the life that a caller needs is fetched again only after a pause', async () => {
    // Tokens of ten seconds: no source has one that is valid for a minute.
    const { fetches, get, nameOf, pass } = await holding(10_000);
    const needy = get(60);
    fetches[0]?.answer(made(0, { expiresAt: CLIENT_START + 10_000 }));
    expect((await needy).accessToken).toBe('invented-0');
    expect(await nameOf(60)).toBe('invented-0');
    expect(fetches).toHaveLength(1);
    pass(500);
    void get(60);
    expect(fetches).toHaveLength(2);
  });

  it('the pause is for callers that need no more life than the last fetch was for', async () => {
    const { fetches, get, nameOf } = await holding();
    const needy = get(1300);
    fetches[0]?.answer(made(0));
    await needy;
    expect(await nameOf(1250)).toBe('invented-0');
    void get(1400);
    expect(fetches.map(({ minTtl }) => minTtl)).toEqual([1300, 1400]);
  });
});

describe('a refused token', () => {
  it('is renewed once, however many callers it was refused to', async () => {
    const { cache, renewed, nameOf } = await holding();
    const callers = Array.from({ length: 100 }, () => cache.renew(made(0)));
    expect(renewed).toMatchObject([{ refused: made(0) }]);
    renewed[0]?.answer(made(1));
    for (const each of await Promise.all(callers)) expect(each?.accessToken).toBe('invented-1');
    expect(await nameOf()).toBe('invented-1');
  });

  it('is not renewed if a newer one is there already', async () => {
    const { cache, renewed } = await holding();
    expect((await cache.renew(made(-1)))?.accessToken).toBe('invented-0');
    expect(renewed).toHaveLength(0);
  });

  it.each<[string, (renewal: { answer(token: undefined): void; fail(error: Error): void }) => void]>([
    ['there is no newer one', each => each.answer(undefined)],
    ['the source fails', each => each.fail(unreachable)],
  ])('is reported again only after a pause if %s', async (_, end) => {
    const { cache, renewed, pass } = await holding();
    const first = cache.renew(made(0)).catch(() => undefined);
    for (const each of renewed) end(each);
    expect(await first).toBeUndefined();
    expect(await cache.renew(made(0))).toBeUndefined();
    expect(renewed).toHaveLength(1);
    pass(15_000);
    void cache.renew(made(0));
    expect(renewed).toHaveLength(2);
  });

  it('is renewed again if the process was frozen during its renewal', async () => {
    const { cache, renewed, pass } = await holding();
    const lost = cache.renew(made(0));
    pass(tablePatience.long + apiPatience.long);
    void cache.renew(made(0));
    expect(renewed).toHaveLength(1);
    pass(1);
    const again = cache.renew(made(0));
    renewed[1]?.answer(made(1));
    expect((await again)?.accessToken).toBe('invented-1');
    renewed[0]?.answer(undefined);
    expect(await lost).toBeUndefined();
  });

  it('is not replaced by one that is not newer', async () => {
    const { cache, renewed } = await holding();
    const renewal = cache.renew(made(0));
    renewed[0]?.answer(made(0));
    expect(await renewal).toBeUndefined();
  });
});

it.each<[string, (cache: TokenCache, connection: string) => Promise<unknown>]>([
  ['read', (cache, connection) => cache.get(connection, 0)],
  ['renewed, without a newer one', (cache, connection) => cache.renew(made(0, { connection }))],
])('names whose token is %s do not fill the memory', async (_, use) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc');
  const source = { get: () => Promise.reject(ended), renew: async () => undefined };
  const cache = new TokenCache({ ...madeEnvironment().environment, source });
  const ask = async (names: number) => {
    for (let n = 0; n < names; n++) await use(cache, `officernd/${n}`).catch(() => undefined);
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await ask(1000);
  // An entry has more than 100 bytes.
  expect((await ask(50_000)) - before).toBeLessThan(1_000_000);
  expect(cache.fresh(ACME, 0)).toBeUndefined();
});
