import { describe, expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { GRACE } from '../../lib/core/retirement.ts';
import { hours, plus, version } from '../../lib/core/types.ts';
import { apiWorld, LIFE, PROMISED, planted, refused } from '../kit/api-world.ts';
import { idOf, START } from '../kit/records.ts';

const path = '/tokens/poweroffice-v2/acme';
const setUp = async () => {
  const world = apiWorld();
  const { clock } = world;
  const connection = await world.add('acme');
  return { ...world, clock, connection, get: (query = {}) => world.call('GET', path, query) };
};
const HALF_PROMISED = Math.floor(PROMISED / 2000) * 1000;

describe('a token', () => {
  it('comes with everything that a call of the provider’s API needs, and must not be cached', async () => {
    const { tick, clock, get } = await setUp();
    await tick();
    clock.pass(1500);
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(answer.headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(answer.json).toEqual({
      connection: 'poweroffice-v2/acme',
      accessToken: 'token-1',
      tokenType: 'Bearer',
      issuedAt: new Date(START).toISOString(),
      expiresAt: new Date(START + LIFE).toISOString(),
      expiresIn: LIFE / 1000 - 2,
      headers: { Authorization: 'Bearer token-1', 'Ocp-Apim-Subscription-Key': planted.subscriptionKey },
      baseUrl: 'https://goapi.poweroffice.net/v2',
    });
  });

  it('is obtained for the first reader of a connection without a first refresh', async () => {
    const { get, calls } = await setUp();
    expect(await get()).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
    expect(calls).toHaveLength(1);
  });

  it('is served from the table, without a call of the refresher, while it has enough time left', async () => {
    const { get, tick, requests } = await setUp();
    await tick();
    for (const minTtl of ['0', '60', '1199', '86400']) {
      expect((await get({ minTtl })).json.accessToken).toBe('token-1');
    }
    expect(requests).toEqual([]);
  });

  it.each([
    ['60 seconds by default', {}, 60_000],
    ['what the reader wants', { minTtl: String(HALF_PROMISED / 1000) }, HALF_PROMISED],
    ['the schedule can promise', { minTtl: String(PROMISED / 1000 + 1) }, PROMISED],
    ['the schedule can promise, however much the reader wants', { minTtl: '86400' }, PROMISED],
  ])('is renewed for a reader when it has less life than %s', async (_, query, wanted) => {
    const { get, tick, clock } = await setUp();
    await tick();
    clock.pass(LIFE - wanted);
    expect((await get(query)).json.accessToken).toBe('token-1');
    clock.pass(1);
    expect((await get(query)).json.accessToken).toBe('token-2');
  });

  it('with minTtl=0 is served until its last millisecond, and not one longer', async () => {
    const { get, tick, clock, answers } = await setUp();
    await tick();
    answers(() => ({ kind: 'failed', code: 'network', sent: false }));
    clock.pass(LIFE - 1);
    expect(await get({ minTtl: '0' })).toMatchObject({ status: 200, json: { expiresIn: 0 } });
    clock.pass(1);
    expect(await get({ minTtl: '0' })).toMatchObject({ status: 503 });
  });

  it('is never refreshed because of a reader while the schedule works, with any minTtl', async () => {
    const { get, tick, requests, calls, clock } = await setUp();
    await tick();
    for (let second = 0; second < 7200; second += 10) {
      if (second % 120 === 0) await tick();
      expect(await get({ minTtl: '86400' })).toMatchObject({ status: 200 });
      clock.pass(10_000);
    }
    expect(requests).toEqual([]);
    const inTwoHours = hours(2) / (LIFE * defaultPolicy.refreshAt);
    expect(calls.length / inTwoHours).toBeGreaterThan(0.75);
    expect(calls.length / inTwoHours).toBeLessThan(1.25);
  });
});

describe('when a refresh fails', () => {
  it.each([
    ['the provider is down', () => refused(503, '')],
    ['the provider refuses', () => refused(400, 'invalid_client')],
    ['nothing answers', () => ({ kind: 'failed', code: 'timeout', sent: true }) as const],
    ['the answer is nonsense', () => ({ kind: 'answer', status: 200, headers: {}, body: planted.words }) as const],
  ])('because %s, a token that is still valid is served', async (_, reply) => {
    const { get, tick, clock, answers } = await setUp();
    await tick();
    answers(reply);
    clock.pass(LIFE - 5000);
    for (let n = 0; n < 3; n++) {
      expect(await get()).toMatchObject({ status: 200, json: { accessToken: 'token-1', expiresIn: 5 } });
    }
  });

  it('a token that is still valid is served even if the refresher cannot be reached, and that is reported', async () => {
    const { tick, clock, call, failures } = await setUp();
    await tick();
    clock.pass(LIFE - 5000);
    const broken = () => Promise.reject(new Error(planted.words));
    expect(await call('GET', path, {}, { refresh: broken })).toMatchObject({ status: 200, json: { expiresIn: 5 } });
    expect(failures).toHaveLength(1);
  });

  it('without a valid token, the answer has codes for why and since when, and when to come back', async () => {
    const { get, tick, clock, answers, connections, connection } = await setUp();
    await tick();
    answers(() => refused(503, '', { 'retry-after': '120' }));
    clock.pass(LIFE + 1000);
    const answer = await get();
    expect(answer.status).toBe(503);
    expect(answer.headers).toEqual({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '120',
    });
    expect(answer.json).toEqual({
      type: 'urn:token-refresher:problem:no_valid_token',
      title: expect.any(String),
      status: 503,
      code: 'no_valid_token',
      detail: expect.any(String),
      connection: 'poweroffice-v2/acme',
      reason: 'provider_error',
      since: new Date(START + LIFE).toISOString(),
    });
    expect((await connections.get(connection))?.dueAt).toBe(clock.now() + 120_000);
  });

  it('`since` is the first failure if no refresh has ever succeeded', async () => {
    const { get, answers, clock } = await setUp();
    answers(() => refused(503, ''));
    await get();
    clock.pass(1000);
    expect((await get()).json).toMatchObject({ since: new Date(START).toISOString(), reason: 'provider_error' });
  });

  it('for good, the answer says that a person is needed, and nothing of the provider’s words', async () => {
    const { get, answers, calls } = await setUp();
    answers(() => refused(400, 'invalid_client'));
    for (let n = 0; n < 5; n++) {
      const answer = await get();
      expect(answer).toMatchObject({ status: 503, json: { code: 'no_valid_token', reason: 'invalid_client' } });
      expect(answer.json.detail).toMatch(/secret/);
      expect(answer.body).not.toContain(planted.words);
      expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(3600);
    }
    expect(calls).toHaveLength(1);
  });

  it('readers of a connection that backs off do not call the provider', async () => {
    const { get, answers, calls } = await setUp();
    answers(() => refused(503, '', { 'retry-after': '60' }));
    for (let n = 0; n < 20; n++) expect((await get()).status).toBe(503);
    expect(calls).toHaveLength(1);
  });

  it('a long wait counts as an hour', async () => {
    const { get, answers, connections, connection } = await setUp();
    answers(() => refused(503, ''));
    await get();
    const record = await connections.get(connection);
    if (!record) throw new Error('there is no record');
    const claimed = await connections.claim(record, { id: 'x', leaseUntil: START });
    if (!claimed) throw new Error('the claim was lost');
    await connections.settle(connection, claimed.version, {
      ...record,
      status: 'attention',
      dueAt: plus(record.dueAt, hours(48)),
    });
    expect((await get()).headers['retry-after']).toBe('3600');
  });

  it('trouble never began in the future: a secret that came back with a fault', async () => {
    const { get, tick, secrets, discover, add, answers, clock } = await setUp();
    await tick();
    await secrets.delete('token-refresher/poweroffice-v2/acme');
    await discover();
    clock.pass(GRACE);
    await tick();
    answers(() => refused(400, 'invalid_client'));
    await add('acme', { clientKey: 'another' });
    const { status, json } = await get();
    expect(status).toBe(503);
    expect(Date.parse(String(json.since))).toBeLessThanOrEqual(clock.now());
  });
});

describe('a connection that is not there', () => {
  it.each([
    '/tokens/poweroffice-v2/nobody',
    '/tokens/petrosoft/nobody',
    '/tokens/officernd/acme',
    '/tokens/poweroffice-v2/acme/oslo',
  ])('%s is unknown, and causes no call', async unknown => {
    const { call, refuse, requests } = await setUp();
    for (const answer of [await call('GET', unknown), await refuse(unknown)]) {
      expect(answer).toMatchObject({ status: 404, json: { code: 'unknown_connection' } });
    }
    expect(requests).toEqual([]);
  });

  it('costs two reads, and none if its provider is not deployed or its name is malformed', async () => {
    const operations: string[] = [];
    const world = apiWorld({ before: async operation => void operations.push(operation) });
    await world.call('GET', '/tokens/poweroffice-v2/nobody');
    expect(operations.splice(0)).toEqual(['tokens.get', 'connections.get']);
    await world.call('GET', '/tokens/officernd/acme');
    await world.call('GET', '/tokens/poweroffice-v2/..');
    expect(operations).toEqual([]);
  });

  it('has its token for the grace period after its secret is found gone, and is unknown then', async () => {
    const { get, refuse, tick, secrets, discover, clock } = await setUp();
    await tick();
    await secrets.delete('token-refresher/poweroffice-v2/acme');
    await discover();
    clock.pass(GRACE - 1);
    await tick();
    expect((await get()).status).toBe(200);
    expect((await get({ minTtl: '86400' })).status).toBe(200);
    clock.pass(1);
    await tick();
    for (const answer of [await get(), await refuse(path)]) {
      expect(answer).toMatchObject({
        status: 404,
        json: { code: 'unknown_connection', connection: idOf('acme', 'poweroffice-v2') },
      });
    }
  });

  const withoutRecord = async () => {
    const world = apiWorld();
    const connection = await world.add('acme');
    await world.tick();
    await world.connections.retire(connection, world.clock.now());
    await world.connections.remove(connection, (await world.connections.get(connection))?.version ?? version(0));
    return { ...world, connection };
  };

  it('without a secret either is unknown, even if a token is left', async () => {
    const { call, refuse, secrets, tokens, connection } = await withoutRecord();
    await secrets.delete('token-refresher/poweroffice-v2/acme');
    expect(await tokens.get(connection)).toBeDefined();
    for (const answer of [await call('GET', path), await call('GET', path, { minTtl: '86400' }), await refuse(path)]) {
      expect(answer).toMatchObject({ status: 404, json: { code: 'unknown_connection' } });
    }
  });

  it('because its record was deleted keeps its token until discovery adds the record again', async () => {
    const { call, discover } = await withoutRecord();
    expect(await call('GET', path)).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
    await discover();
    expect(await call('GET', path)).toMatchObject({ status: 200 });
  });

  it('because its record cannot be read has its token', async () => {
    const { get, tick, deps, call } = await setUp();
    await tick();
    expect((await get()).status).toBe(200);
    const broken = { ...deps.connections, get: () => Promise.reject(new RefresherError('store_failed', 'injected')) };
    expect((await call('GET', path, {}, { connections: broken })).status).toBe(200);
  });

  it('whose refresher cannot be reached has its token', async () => {
    const { call, secrets } = await withoutRecord();
    await secrets.delete('token-refresher/poweroffice-v2/acme');
    const failing = () => Promise.reject(new Error('unreachable'));
    expect((await call('GET', path, {}, { refresh: failing })).status).toBe(200);
  });

  it('6,000 unknown names call no refresher and report nothing', async () => {
    const { call, requests, failures, calls } = await setUp();
    for (let n = 0; n < 6000; n++) expect((await call('GET', `/tokens/poweroffice-v2/bad-${n}`)).status).toBe(404);
    expect([requests, failures, calls]).toEqual([[], [], []]);
  });
});
