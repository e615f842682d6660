import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApiEvent, apiHandler } from '../../functions/api/handler.ts';
import { refreshHandler } from '../../functions/refresh/handler.ts';
import { watchHandler } from '../../functions/watch/handler.ts';
import { minutes } from '../../lib/core/types.ts';
import { builtIn } from '../../lib/providers/index.ts';
import { apiWorld, planted } from '../kit/api-world.ts';
import { idOf, START } from '../kit/records.ts';

const powerofficeV2 = builtIn('poweroffice-v2');

const invocation = { getRemainingTimeInMillis: () => minutes(5) };
const noContext = {} as Context;
const iso = (moment: number) => new Date(moment).toISOString();
const eventOf = (method: string, rawPath: string, queryStringParameters?: Record<string, string>): ApiEvent => ({
  rawPath,
  ...(queryStringParameters && { queryStringParameters }),
  requestContext: { http: { method } },
});

describe('the api function', () => {
  const setUp = async (broken?: (operation: string) => Promise<void>) => {
    const hooks: { before?: (operation: string) => Promise<void> } = {};
    const world = apiWorld(hooks);
    const connection = await world.add('acme');
    if (broken) hooks.before = broken;
    const errors: unknown[] = [];
    const handler = apiHandler(world.deps, error => errors.push(error));
    return { ...world, connection, errors, handle: (event: unknown) => handler(event as ApiEvent, noContext) };
  };

  it('turns an event of an HTTP API into an answer for it', async () => {
    const { handle } = await setUp();
    const answer = await handle(eventOf('GET', '/tokens/poweroffice-v2/acme', { minTtl: '0' }));
    expect(answer).toMatchObject({ statusCode: 200, headers: { 'cache-control': 'no-store' } });
    expect(JSON.parse(String(answer.body))).toMatchObject({ accessToken: 'token-1' });
  });

  it('reads the body of a forced refresh, also one that the gateway has encoded', async () => {
    const { handle, tokens, connection, clock } = await setUp();
    const event = eventOf('POST', '/tokens/poweroffice-v2/acme');
    await handle(eventOf('GET', '/tokens/poweroffice-v2/acme'));
    await clock.sleep(60_000);
    const body = JSON.stringify({ issuedAt: iso((await tokens.get(connection))?.issuedAt ?? 0) });
    const first = await handle({ ...event, body, isBase64Encoded: false });
    expect([first.statusCode, JSON.parse(String(first.body)).accessToken]).toEqual([200, 'token-2']);
    const encoded = { ...event, body: Buffer.from(body).toString('base64'), isBase64Encoded: true };
    const second = await handle(encoded);
    expect([second.statusCode, JSON.parse(String(second.body)).accessToken]).toEqual([200, 'token-2']);
    for (const wrong of [event, { ...encoded, isBase64Encoded: false }, { ...event, body, isBase64Encoded: true }]) {
      expect(await handle(wrong)).toMatchObject({ statusCode: 400 });
    }
  });

  it('answers an invalid request with a problem document', async () => {
    const { handle, errors } = await setUp();
    expect(await handle(eventOf('PUT', '/connections'))).toMatchObject({ statusCode: 405, headers: { allow: 'GET' } });
    expect(await handle(eventOf('GET', '/%zz'))).toMatchObject({ statusCode: 404 });
    expect(await handle(eventOf('GET', '/connections', { limit: '0' }))).toMatchObject({ statusCode: 400 });
    expect(errors).toEqual([]);
  });

  it.each<[string, (operation: string) => Promise<void>]>([
    ['the tokens cannot be read', async at => at === 'tokens.get' && Promise.reject(new Error(planted.words))],
    [
      'the connections cannot be read',
      async at => at.startsWith('connections.') && Promise.reject(new Error(planted.words)),
    ],
    ['a value is thrown that is not an error', () => Promise.reject(planted.words)],
  ] as [string, (operation: string) => Promise<void>][])(
    'reveals nothing of what went wrong inside: %s',
    async (_, broken) => {
      const { handle, errors } = await setUp(broken);
      for (const event of [
        eventOf('GET', '/tokens/poweroffice-v2/acme'),
        { ...eventOf('POST', '/tokens/poweroffice-v2/acme'), body: JSON.stringify({ issuedAt: iso(START) }) },
        eventOf('GET', '/connections'),
      ]) {
        const answer = await handle(event);
        if (answer.statusCode === 200) continue;
        expect(answer).toMatchObject({
          statusCode: 500,
          headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
        });
        expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'internal_error', status: 500 });
        expect(JSON.stringify(answer)).not.toContain(planted.words);
      }
      expect(errors).not.toEqual([]);
    },
  );

  it.each([{}, null, { rawPath: 1 }, { rawPath: '/', requestContext: {} }])(
    'answers an event that is not of an HTTP API: %j',
    async event => {
      const { handle, errors } = await setUp();
      expect(await handle(event)).toMatchObject({ statusCode: 500 });
      expect(errors).toHaveLength(1);
    },
  );
});

describe('the refresh function', () => {
  const setUp = async () => {
    const world = apiWorld();
    const connection = await world.add('acme');
    const handler = refreshHandler(world.refresher, powerofficeV2);
    return { ...world, connection, handle: (event: unknown) => handler(event, invocation) };
  };
  const all = { shards: [0, 1, 2, 3, 4, 5, 6, 7] };

  it('refreshes what is due in the shards of a tick, and reports numbers', async () => {
    const { handle, tokens, connection } = await setUp();
    expect(await handle(all)).toMatchObject({ provider: 'poweroffice-v2', connections: 1, due: 1, left: 0, calls: 1 });
    expect(await tokens.get(connection)).toMatchObject({ accessToken: 'token-1' });
    expect(await handle(all)).toMatchObject({ connections: 1, due: 0, calls: 0 });
  });

  it('begins nothing that the time it has left would not let it end', async () => {
    const { refresher, calls } = await setUp();
    const late = { getRemainingTimeInMillis: () => 1000 };
    expect(await refreshHandler(refresher, powerofficeV2)(all, late)).toMatchObject({ due: 1, left: 1 });
    expect(calls).toEqual([]);
  });

  it('refreshes one connection on demand', async () => {
    const { handle, connection } = await setUp();
    const read = { kind: 'ifNeeded', connection, minTtl: 60_000, waits: true };
    expect(await handle({ request: read })).toMatchObject({ result: 'refreshed' });
    expect(await handle({ request: read })).toMatchObject({ reason: 'fresh' });
    const forced = { kind: 'force', connection, issuedAt: START, waits: true };
    expect(await handle({ request: forced })).toMatchObject({ result: 'refreshed' });
    expect(await handle({ request: forced })).toMatchObject({ reason: 'forced_recently' });
    expect(await handle({ request: { ...forced, issuedAt: START - 1 } })).toMatchObject({ reason: 'renewed' });
  });

  it('refuses a connection of another provider, whose secrets it may not read', async () => {
    const { handle, secrets, connections } = await setUp();
    await secrets.put('token-refresher/petrosoft/shop', '{}');
    const { connection: _, ...own } = (await connections.get(idOf('acme', 'poweroffice-v2'))) ?? { connection: '' };
    await connections.add({ ...own, connection: idOf('shop', 'petrosoft') } as never);
    expect(
      await handle({ request: { kind: 'force', connection: 'petrosoft/shop', issuedAt: START, waits: true } }),
    ).toEqual({ result: 'unknown' });
  });

  it.each([
    undefined,
    null,
    'tick',
    {},
    { shards: [] },
    { shards: [8] },
    { shards: [-1] },
    { shards: [0.5] },
    { shards: ['0'] },
    { shards: [0], more: true },
    { request: {} },
    { request: { kind: 'ifNeeded', connection: 'poweroffice-v2/acme', waits: true } },
    { request: { kind: 'ifNeeded', connection: 'poweroffice-v2/acme', minTtl: 60 } },
    { request: { kind: 'ifNeeded', connection: 'poweroffice-v2/acme', minTtl: -1, waits: true } },
    { request: { kind: 'ifNeeded', connection: 'poweroffice-v2/acme', minTtl: '60', waits: true } },
    { request: { kind: 'force', connection: 'poweroffice-v2/acme', waits: true } },
    { request: { kind: 'force', connection: 'acme', issuedAt: 1, waits: true } },
    { request: { kind: 'force', connection: 'poweroffice-v2/a/b/c', issuedAt: 1, waits: true } },
    { request: { kind: 'force', connection: 'poweroffice-v2/acme', issuedAt: 1.5, waits: true } },
    { request: { kind: 'force', connection: 'poweroffice-v2/acme', issuedAt: 1, waits: true, minTtl: 1 } },
    { request: { kind: 'drop', connection: 'poweroffice-v2/acme', waits: true } },
    { request: { kind: 'force', connection: 'poweroffice-v2/acme', issuedAt: 1, waits: true }, shards: [0] },
  ])('does nothing for an unknown event: %j', async event => {
    const { handle, calls } = await setUp();
    await expect(handle(event)).rejects.toThrow();
    expect(calls).toEqual([]);
  });

  it('makes no call for any unexpected event', async () => {
    const { handle, calls } = await setUp();
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async event => {
        await handle(event).catch(() => {});
        expect(calls).toEqual([]);
      }),
    );
  });
});

describe('the watch function', () => {
  it('makes connections of secrets, and reports what it found', async () => {
    const { clock, secrets, connections, tokens } = apiWorld();
    await secrets.put(
      'token-refresher/poweroffice-v2/books',
      JSON.stringify({ connections: { oslo: {}, bergen: {} } }),
    );
    await secrets.put('token-refresher/nobody/acme', '{}');
    const deps = { clock, secrets, connections, tokens, providers: [powerofficeV2], connectionsPerSecret: 200 };
    const reports: unknown[] = [];
    const seen: unknown[] = [];
    const watching = {
      ...{ ...deps, prefix: 'token-refresher/', paces: new Map(), publish: async () => {}, sendMail: async () => {} },
      observer: { health: (health: unknown) => seen.push(health), newsFailed: () => {} },
    };
    const report = await watchHandler(watching, each => reports.push(each))();
    expect(seen).toEqual([
      expect.objectContaining({ connections: 0, lowestLife: 1, longestOverdue: 0, longestFailing: 0 }),
    ]);
    expect(reports).toEqual([report]);
    expect(report.added.toSorted()).toEqual(['poweroffice-v2/books/bergen', 'poweroffice-v2/books/oslo']);
    expect(report.problems).toEqual([{ secret: 'token-refresher/nobody/acme', code: 'unknown_provider' }]);
  });
});
