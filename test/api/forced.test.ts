import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { settlePostponed } from '../../lib/core/settle.ts';
import { epochMs } from '../../lib/core/types.ts';
import type { Ask } from '../../lib/shell/demand.ts';
import { apiWorld, granted, LIFE, type OpenedAnswer, planted, refused } from '../support/api-world.ts';
import type { Hooks } from '../support/memory.ts';
import { START } from '../support/records.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const path = '/tokens/poweroffice-v2/acme';
const setUp = async (hooks: Hooks = {}) => {
  const clock = virtualClock();
  const world = apiWorld(clock, hooks);
  const connection = await world.add('acme');
  await world.tick();
  clock.pass(60_000);
  return { ...world, clock, connection, post: (issuedAt?: number) => world.refuse(path, issuedAt) };
};

describe('a forced refresh', () => {
  it('answers the new token, whatever life the old one had left', async () => {
    const { post, ask, calls } = await setUp();
    const answer = await post();
    expect(answer).toMatchObject({ status: 200, json: { accessToken: 'token-2', expiresIn: LIFE / 1000 } });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await ask('GET', '/tokens/poweroffice-v2/acme')).json.accessToken).toBe('token-2');
    expect(calls).toHaveLength(2);
  });

  it('is not done again within 30 seconds of a connection: 429 says when to come back', async () => {
    const { post, clock, calls } = await setUp();
    await post();
    clock.pass(10_500);
    const answer = await post();
    expect(answer).toMatchObject({ status: 429, json: { code: 'too_many_refreshes', status: 429 } });
    expect(answer.headers).toMatchObject({ 'retry-after': '20', 'cache-control': 'no-store' });
    clock.pass(19_499);
    expect(await post()).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    clock.pass(1);
    expect(await post()).toMatchObject({ status: 200, json: { accessToken: 'token-3' } });
    expect(calls).toHaveLength(3);
  });

  it('counts for its own connection alone', async () => {
    const { post, add, refuse, tick } = await setUp();
    await add('other');
    await tick();
    await post();
    expect((await refuse('/tokens/poweroffice-v2/other')).status).toBe(200);
  });

  it('that failed counts too: a provider that is down is not hammered', async () => {
    const { post, answers, calls } = await setUp();
    answers(() => refused(503, ''));
    expect(await post()).toMatchObject({ status: 503, json: { code: 'refresh_failed', reason: 'provider_error' } });
    for (let n = 0; n < 10; n++) expect([429, 503]).toContain((await post()).status);
    expect(calls).toHaveLength(2);
  });
});

describe('consumers who were refused one token', () => {
  /** How many answers of each kind there are. */
  const counted = (answers: readonly OpenedAnswer[]) =>
    answers.map(({ status, json }) => `${status} ${json.accessToken ?? json.code}`).toSorted();

  it('at one moment: both get the new one, for one call', async () => {
    const { refuse, calls, answers, clock } = await setUp();
    answers(async call => {
      await clock.sleep(500);
      return granted(`token-${call}`);
    });
    expect(counted(await Promise.all([refuse(path), refuse(path)]))).toEqual(['200 token-2', '200 token-2']);
    expect(calls).toHaveLength(2);
  });

  it('at one moment, a hundred: one forces, three wait, the others come back in two seconds, for one call', async () => {
    const { refuse, calls, answers, clock } = await setUp();
    answers(async call => {
      await clock.sleep(500);
      return granted(`token-${call}`);
    });
    const all = await Promise.all(Array.from({ length: 100 }, () => refuse(path)));
    const [first, ...others] = [...new Set(counted(all))];
    expect([first, others]).toEqual(['200 token-2', ['503 refresh_in_progress']]);
    expect(all.filter(({ status }) => status === 200)).toHaveLength(4);
    for (const { status, headers } of all) if (status === 503) expect(headers['retry-after']).toBe('2');
    expect(calls).toHaveLength(2);
    expect(await refuse(path, START)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
  });

  it('just after it was replaced: the second gets the new one at once, and asks nobody', async () => {
    const { post, asks, calls } = await setUp();
    await post(START);
    asks.length = 0;
    expect(await post(START)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
    expect([asks, calls.length]).toEqual([[], 2]);
  });

  it.each([
    ['long ago', START - LIFE],
    ['in the future', START + 10 * LIFE],
  ])('that was issued %s: the valid one is the answer, for no call', async (_, issuedAt) => {
    const { post, asks } = await setUp();
    for (let n = 0; n < 5; n++) {
      expect(await post(issuedAt)).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
    }
    expect(asks).toEqual([]);
  });

  it('and there is none that is valid: they get what a reader gets', async () => {
    const { post, clock, calls } = await setUp();
    clock.pass(LIFE);
    expect(await post(START - LIFE)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
    expect(calls).toHaveLength(2);
  });

  it('that expired meanwhile: they get what a reader gets', async () => {
    const { post, clock, answers } = await setUp();
    clock.pass(LIFE);
    answers(() => refused(503, ''));
    expect(await post(START)).toMatchObject({ status: 503, json: { code: 'no_living_token' } });
    expect(await post(START)).toMatchObject({ status: 503, json: { code: 'no_living_token' } });
  });

  /*
   *   first    read token 1 .. claim, publish token 2, settle
   *   second   read token 1 ................................. ask
   */
  it('and the first settles between the second’s read and its question: the second gets the new one', async () => {
    const { post, refuse, deps, calls } = await setUp();
    const late = {
      ask: async (ask: Ask) => {
        await post(START);
        return deps.ask(ask);
      },
    };
    expect(await refuse(path, START, late)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
    expect(calls).toHaveLength(2);
  });

  /*
   *   first    claim, publish token 2, settle
   *   second   .. read the record: token 1 ... claim: lost
   */
  it('and the first claims between the second’s decision and its claim: the second gets the new one', async () => {
    const hooks: Hooks = {};
    const { post, calls } = await setUp(hooks);
    hooks.before = async operation => {
      if (operation !== 'connections.claim') return;
      delete hooks.before;
      await post(START);
    };
    expect(await post(START)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
    expect(calls).toHaveLength(2);
  });

  it('that a worker published and then died: it is not taken for a newer one', async () => {
    const { post, connections, tokens, connection, clock } = await setUp();
    const [record, token] = [await connections.get(connection), await tokens.get(connection)];
    if (!record || !token) throw new Error('there is nothing to begin with');
    const claimed = await connections.claim(record, { id: 'dead', leaseUntil: epochMs(clock.now() + 1) });
    if (!claimed) throw new Error('the claim was lost');
    const issuedAt = epochMs(START + 5);
    await tokens.publish({ ...token, issuedAt, accessToken: 'refused', version: claimed.version });
    clock.pass(1);
    expect(await post(issuedAt)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
  });

  it('of a connection that retires: unknown', async () => {
    const { post, connections, connection, clock, calls } = await setUp();
    await connections.retire(connection, clock.now());
    expect(await post()).toMatchObject({ status: 404, json: { code: 'unknown_connection' } });
    expect(calls).toHaveLength(1);
  });

  it('of a connection that retires meanwhile: unknown', async () => {
    const { refuse, deps, connections, connection, clock } = await setUp();
    const late = {
      ask: async (ask: Ask) => {
        await connections.retire(connection, clock.now());
        return deps.ask(ask);
      },
    };
    expect(await refuse(path, START, late)).toMatchObject({ status: 404, json: { code: 'unknown_connection' } });
  });

  it('that meets another’s refresh between its publish and its settle: the new one, at once', async () => {
    const held = Promise.withResolvers<void>();
    const hooks: Hooks = {};
    const { post } = await setUp(hooks);
    hooks.before = operation => (operation === 'connections.settle' ? held.promise : Promise.resolve());
    const first = post(START);
    const published = Promise.withResolvers<void>();
    hooks.after = async operation => void (operation === 'tokens.publish' && published.resolve());
    await published.promise;
    expect((await post(START)).json).toMatchObject({ accessToken: 'token-2' });
    held.resolve();
    expect((await first).json).toMatchObject({ accessToken: 'token-2' });
  });
});

it('a token that is missing for want of budget says so, and since when', async () => {
  const world = apiWorld();
  const connection = await world.add('acme');
  const seen = await world.connections.get(connection);
  const now = world.clock.now();
  const claimed = seen && (await world.connections.claim(seen, { id: 'claim', leaseUntil: now }));
  if (!claimed) throw new Error('nobody else is there');
  await world.connections.settle(connection, claimed.version, settlePostponed(claimed, { calls: 1 }, now, now));
  const answer = await world.ask(
    'GET',
    '/tokens/poweroffice-v2/acme',
    {},
    { ask: async () => ({ result: 'postponed' }) },
  );
  expect(answer).toMatchObject({ status: 503, json: { reason: 'budget_used', since: new Date(now).toISOString() } });
});

it('a token of a connection that nobody could be asked to refresh says so, and since when', async () => {
  const world = apiWorld();
  await world.add('acme');
  const ask = () => Promise.reject(new Error('not reached'));
  const answer = await world.ask('GET', '/tokens/poweroffice-v2/acme', {}, { ask });
  const since = new Date(world.clock.now()).toISOString();
  expect(answer).toMatchObject({ status: 503, json: { reason: 'not_refreshed_yet', since } });
});

describe('a forced refresh that cannot be done now', () => {
  it('never answers the token that the provider refused', async () => {
    const { post, answers } = await setUp();
    answers(() => refused(503, ''));
    const answer = await post();
    expect(answer.status).toBe(503);
    expect(answer.body).not.toContain('token-1');
  });

  it('says since when and why, and nothing of the provider’s words', async () => {
    const { post, answers, clock } = await setUp();
    answers(() => refused(503, '', { 'retry-after': '90' }));
    const answer = await post();
    expect(answer.json).toMatchObject({
      code: 'refresh_failed',
      connection: 'poweroffice-v2/acme',
      reason: 'provider_error',
      since: new Date(clock.now()).toISOString(),
    });
    expect(answer.headers['retry-after']).toBe('90');
    expect(answer.body).not.toContain(planted.words);
  });

  it('leaves a connection alone that backs off', async () => {
    const { post, tick, answers, clock, calls } = await setUp();
    answers(() => refused(503, '', { 'retry-after': '120' }));
    clock.pass(LIFE / 2);
    await tick();
    clock.pass(40_000);
    const answer = await post();
    expect(answer).toMatchObject({ status: 503, json: { code: 'refresh_failed', reason: 'provider_error' } });
    expect(answer.headers['retry-after']).toBe('80');
    expect(calls).toHaveLength(2);
  });

  it('leaves a connection alone that needs a person', async () => {
    const { post, tick, answers, clock, calls } = await setUp();
    answers(() => refused(400, 'invalid_client'));
    clock.pass(LIFE / 2);
    await tick();
    clock.pass(60_000);
    const answer = await post();
    expect(answer).toMatchObject({ status: 503, json: { code: 'refresh_failed', reason: 'invalid_client' } });
    expect(answer.json.detail).toMatch(/secret/);
    expect(calls).toHaveLength(2);
  });

  it('waits for a refresh under way, and answers what that one published', async () => {
    const { post, connections, connection, tokens, clock, calls } = await setUp();
    const record = await connections.get(connection);
    const old = await tokens.get(connection);
    if (!record || !old) throw new Error('there is nothing to claim');
    const leaseUntil = epochMs(clock.now() + defaultPolicy.lease);
    const claimed = await connections.claim(record, { id: 'somebody', leaseUntil });
    if (!claimed) throw new Error('the claim was lost');
    const waiting = post();
    await clock.sleep(3000);
    await tokens.publish({ ...old, accessToken: 'theirs', issuedAt: clock.now(), version: claimed.version });
    const { leaseUntil: _, ...settled } = claimed;
    await connections.settle(connection, claimed.version, { ...settled, dueAt: record.dueAt });
    expect(await waiting).toMatchObject({ status: 200, json: { accessToken: 'theirs' } });
    expect(calls).toHaveLength(1);
  });

  it('gives up on a refresh under way that never ends, within the 30 s of an HTTP API', async () => {
    const { post, connections, connection, clock } = await setUp();
    const record = await connections.get(connection);
    if (!record) throw new Error('there is no record');
    await connections.claim(record, { id: 'somebody', leaseUntil: epochMs(clock.now() + defaultPolicy.lease) });
    const since = clock.now();
    expect(await post()).toMatchObject({ status: 503, json: { code: 'refresh_failed' } });
    expect(clock.now() - since).toBeLessThan(30_000);
  });

  it('because the refresher cannot be reached, is reported and leaves the old token where it was', async () => {
    const { refuse, tokens, connection, failures } = await setUp();
    const broken = () => Promise.reject(new Error(planted.words));
    const answer = await refuse(path, START, { ask: broken });
    expect(answer).toMatchObject({ status: 503, json: { code: 'refresh_failed' } });
    expect(answer.body).not.toContain(planted.words);
    expect(failures).toHaveLength(1);
    expect(await tokens.get(connection)).toMatchObject({ accessToken: 'token-1', issuedAt: START });
  });
});
