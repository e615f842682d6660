import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { settlePostponed } from '../../lib/core/settle.ts';
import { epochMs } from '../../lib/core/types.ts';
import { apiWorld, LIFE, planted, refused } from '../kit/api-world.ts';
import { START } from '../kit/records.ts';

const path = '/tokens/poweroffice-v2/acme';
const setUp = async () => {
  const world = apiWorld();
  const { clock } = world;
  const connection = await world.add('acme');
  await world.tick();
  clock.pass(60_000);
  const whenDue = async () => clock.set((await world.connections.get(connection))?.dueAt ?? START);
  return { ...world, clock, connection, whenDue, post: (issuedAt?: number) => world.refuse(path, issuedAt) };
};

describe('a forced refresh', () => {
  it('answers the new token, whatever life the old one had left', async () => {
    const { post, call, calls } = await setUp();
    const answer = await post();
    expect(answer).toMatchObject({ status: 200, json: { accessToken: 'token-2', expiresIn: LIFE / 1000 } });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await call('GET', '/tokens/poweroffice-v2/acme')).json.accessToken).toBe('token-2');
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

  it('waits until the provider renews a token that no login could replace: 429 says when', async () => {
    const { connections, connection, refuse, calls } = await setUp();
    const record = await connections.get(connection);
    if (!record) throw new Error('no record');
    const get = async () => ({ ...record, redeemedCode: 'fingerprint' });
    const providers = new Map([['poweroffice-v2', { ...defaultPolicy, renewWithin: LIFE - 90_000 }]]);
    const answer = await refuse(path, undefined, { providers, connections: { ...connections, get } });
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '30' } });
    expect(calls).toHaveLength(1);
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

it('if the rate limit is used up, the answer for a missing token gives that reason and its start', async () => {
  const world = apiWorld();
  const connection = await world.add('acme');
  const seen = await world.connections.get(connection);
  const now = world.clock.now();
  const claimed = seen && (await world.connections.claim(seen, { id: 'claim', leaseUntil: now }));
  if (!claimed) throw new Error('nobody else is there');
  await world.connections.settle(
    connection,
    claimed.version,
    settlePostponed(claimed, { calls: 1 }, { until: now, code: 'budget_used' }, now),
  );
  const answer = await world.call(
    'GET',
    '/tokens/poweroffice-v2/acme',
    {},
    { refresh: async () => ({ result: 'postponed' }) },
  );
  expect(answer).toMatchObject({ status: 503, json: { reason: 'budget_used', since: new Date(now).toISOString() } });
});

it('if the refresher could not be called, the answer gives that reason and its start', async () => {
  const world = apiWorld();
  await world.add('acme');
  const call = () => Promise.reject(new Error('not reached'));
  const answer = await world.call('GET', '/tokens/poweroffice-v2/acme', {}, { refresh: call });
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
    const { post, tick, answers, clock, calls, whenDue } = await setUp();
    answers(() => refused(503, '', { 'retry-after': '120' }));
    await whenDue();
    await tick();
    clock.pass(40_000);
    const answer = await post();
    expect(answer).toMatchObject({ status: 503, json: { code: 'refresh_failed', reason: 'provider_error' } });
    expect(answer.headers['retry-after']).toBe('80');
    expect(calls).toHaveLength(2);
  });

  it('leaves a connection alone that needs a person', async () => {
    const { post, tick, answers, clock, calls, whenDue } = await setUp();
    answers(() => refused(400, 'invalid_client'));
    await whenDue();
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

  it('because the refresher cannot be reached, is reported and keeps the old token', async () => {
    const { refuse, tokens, connection, failures } = await setUp();
    const broken = () => Promise.reject(new Error(planted.words));
    const answer = await refuse(path, START, { refresh: broken });
    expect(answer).toMatchObject({ status: 503, json: { code: 'refresh_failed' } });
    expect(answer.body).not.toContain(planted.words);
    expect(failures).toHaveLength(1);
    expect(await tokens.get(connection)).toMatchObject({ accessToken: 'token-1', issuedAt: START });
  });
});
