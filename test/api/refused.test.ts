import { describe, expect, it } from 'vitest';
import { epochMs } from '../../lib/core/types.ts';
import type { RefreshRequest } from '../../lib/refresh/demand.ts';
import { apiWorld, grantReply, LIFE, type OpenedAnswer, refused } from '../kit/api-world.ts';
import type { Hooks } from '../kit/memory.ts';
import { START } from '../kit/records.ts';

const path = '/tokens/poweroffice-v2/acme';
const setUp = async (hooks: Hooks = {}) => {
  const world = apiWorld(hooks);
  const { clock } = world;
  const connection = await world.add('acme');
  await world.tick();
  clock.pass(60_000);
  return { ...world, clock, connection, post: (issuedAt?: number) => world.refuse(path, issuedAt) };
};

describe('consumers who were refused one token', () => {
  /** How many answers of each kind there are. */
  const counted = (answers: readonly OpenedAnswer[]) =>
    answers.map(({ status, json }) => `${status} ${json.accessToken ?? json.code}`).toSorted();

  it('at one moment: both get the new one, for one call', async () => {
    const { refuse, calls, answers, clock } = await setUp();
    answers(async call => {
      await clock.sleep(500);
      return grantReply(`token-${call}`);
    });
    expect(counted(await Promise.all([refuse(path), refuse(path)]))).toEqual(['200 token-2', '200 token-2']);
    expect(calls).toHaveLength(2);
  });

  it('at one moment, a hundred: one forces, three wait, the others come back in two seconds, for one call', async () => {
    const { refuse, calls, answers, clock } = await setUp();
    answers(async call => {
      await clock.sleep(500);
      return grantReply(`token-${call}`);
    });
    const all = await Promise.all(Array.from({ length: 100 }, () => refuse(path)));
    const [first, ...others] = [...new Set(counted(all))];
    expect([first, others]).toEqual(['200 token-2', ['503 refresh_in_progress']]);
    expect(all.filter(({ status }) => status === 200)).toHaveLength(4);
    for (const { status, headers } of all) if (status === 503) expect(headers['retry-after']).toBe('2');
    expect(calls).toHaveLength(2);
    expect(await refuse(path, START)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
  });

  it('just after it was replaced: the second gets the new one at once, without a call', async () => {
    const { post, requests, calls } = await setUp();
    await post(START);
    requests.length = 0;
    expect(await post(START)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
    expect([requests, calls.length]).toEqual([[], 2]);
  });

  it.each([
    ['long ago', START - LIFE],
    ['in the future', START + 10 * LIFE],
  ])('that was issued %s: the valid one is the answer, for no call', async (_, issuedAt) => {
    const { post, requests } = await setUp();
    for (let n = 0; n < 5; n++) {
      expect(await post(issuedAt)).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
    }
    expect(requests).toEqual([]);
  });

  it('without a valid token get what a reader gets', async () => {
    const { post, clock, calls } = await setUp();
    clock.pass(LIFE);
    expect(await post(START - LIFE)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
    expect(calls).toHaveLength(2);
  });

  it('that expired meanwhile: they get what a reader gets', async () => {
    const { post, clock, answers } = await setUp();
    clock.pass(LIFE);
    answers(() => refused(503, ''));
    expect(await post(START)).toMatchObject({ status: 503, json: { code: 'no_valid_token' } });
    expect(await post(START)).toMatchObject({ status: 503, json: { code: 'no_valid_token' } });
  });

  /*
   *   first    read token 1 .. claim, publish token 2, settle
   *   second   read token 1 ................................. call
   */
  it('the second gets the new token if the first settles between its read and its request', async () => {
    const { post, refuse, deps, calls } = await setUp();
    const late = {
      refresh: async (request: RefreshRequest) => {
        await post(START);
        return deps.refresh(request);
      },
    };
    expect(await refuse(path, START, late)).toMatchObject({ status: 200, json: { accessToken: 'token-2' } });
    expect(calls).toHaveLength(2);
  });

  /*
   *   first    claim, publish token 2, settle
   *   second   .. read the record: token 1 ... claim: lost
   */
  it('the second gets the new token if the first claims between its decision and its claim', async () => {
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

  it('that a worker published before it crashed: it does not count as a newer one', async () => {
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
      refresh: async (request: RefreshRequest) => {
        await connections.retire(connection, clock.now());
        return deps.refresh(request);
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
