import { Metrics } from '@aws-lambda-powertools/metrics';
import { describe, expect, it } from 'vitest';
import { serve } from '../lib/api/serve.ts';
import type { HttpRequest } from '../lib/core/provider.ts';
import { hours, minutes, seconds } from '../lib/core/types.ts';
import { transitionsOf } from '../lib/events.ts';
import { powertoolsObserver } from '../lib/observe/powertools.ts';
import { providers } from '../lib/providers/index.ts';
import type { RefreshRequest } from '../lib/refresh/demand.ts';
import { type Instead, simulatedWorld } from './kit/simulated.ts';
import { answer } from './kit/vendor.ts';
import { dieAt } from './kit/world.ts';

/** The traps of the providers, each from the schedule to the published token. */

const ids = providers.map(({ id }) => id);
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object) => `${encoded({ alg: 'none' })}.${encoded(claims)}.made-up`;
const jsonOf = (reply: ReturnType<Instead>): Record<string, unknown> =>
  reply.kind === 'answer' ? JSON.parse(reply.body) : {};
/** The simulator's own answer with some fields changed; `undefined` removes one. */
const altered =
  (change: object): Instead =>
  (request, simulated) =>
    answer({ ...jsonOf(simulated(request)), ...change });
const refreshRequests = (calls: readonly { body?: string; headers: Readonly<Record<string, string>> }[]) =>
  calls.filter(({ body = '', headers }) => `${body}${headers['x-grant-type']}`.includes('refresh_token'));

describe('trap 1: Petrosoft’s expires_in is seconds, and the JWT’s own exp wins over any arithmetic', () => {
  it('of a day', async () => {
    const { world, id } = await simulatedWorld('petrosoft');
    const { issuedAt, expiresAt } = await world.token(id);
    expect(expiresAt - issuedAt).toBe(hours(24));
  });
  it('of an exp that says otherwise', async () => {
    const { world, id, script, tick } = await simulatedWorld('petrosoft', { start: false });
    const exp = world.clock.now() / 1000 + 600;
    script.push(altered({ access_token: jwt({ exp }), expires_in: 86_400 }));
    await tick();
    expect((await world.token(id)).expiresAt).toBe(exp * 1000);
  });
});

it('trap 2: iOFFICE’s expires_in is milliseconds', async () => {
  const { world, id, use } = await simulatedWorld('ioffice');
  const { issuedAt, expiresAt } = await world.token(id);
  expect(expiresAt - issuedAt).toBe(hours(4));
  world.clock.set(expiresAt - 1);
  expect(await use()).toBe(200);
  world.clock.set(expiresAt);
  expect(await use()).toBe(401);
});

describe('trap 3: a refresh that returns the same exp ends in a full login before that exp, with a bounded number of calls', () => {
  it('of the simulator, over three days', async () => {
    const { world, use } = await simulatedWorld('petrosoft');
    for (let tick = 0; tick < (3 * 24 * 60) / 5; tick++) {
      world.clock.pass(minutes(5));
      await world.tick('petrosoft');
      expect(await use()).toBe(200);
    }
    expect(world.calls.length).toBeLessThanOrEqual(7);
  });
  it('even if an answer promises a longer session', async () => {
    const { world, id, script, use } = await simulatedWorld('petrosoft', { start: false });
    const wall = world.clock.now() + hours(24);
    const promising = altered({ refresh_expires_in: 30 * 86_400 });
    script.push(...Array.from({ length: 50 }, () => promising));
    await world.tick('petrosoft');
    while (world.clock.now() < wall + hours(24)) {
      world.clock.pass(minutes(5));
      await world.tick('petrosoft');
      expect(await use()).toBe(200);
    }
    expect(refreshRequests(world.calls).length).toBeGreaterThan(0);
    expect(world.calls.length).toBeLessThanOrEqual(9);
    expect((await world.token(id)).expiresAt).toBeGreaterThan(wall);
  });
});

/** Petrosoft's answer to a refresh token that it refuses. */
const echo = (token: string) => ({
  success: false,
  data: [],
  message: `JWT missing parts. Total number of parts: 2 Token: ${token}`,
  http_code: 500,
  errors: [],
  total: null,
});
const echoing: Instead = request => answer(echo(String(JSON.parse(request.body ?? '{}').refresh_token)), 500);
/** A Petrosoft session that would lengthen its token’s life: its refresh token is used. */
const withLongSession = async () => {
  const given = await simulatedWorld('petrosoft', { start: false });
  given.script.push(altered({ refresh_expires_in: 30 * 86_400 }));
  await given.tick();
  given.world.calls.length = 0;
  await given.whenDue();
  return given;
};

it('trap 4: a 500 that means a bad refresh token is not retried, and costs exactly one full grant', async () => {
  const { world, id, script, tick, use } = await withLongSession();
  script.push(echoing);
  await tick();
  expect(world.calls.map(({ url }) => new URL(url).pathname.split('/').at(-1))).toEqual(['refresh_token', 'token']);
  expect(await world.record(id)).toMatchObject({ status: 'healthy', failures: 0 });
  expect(await use()).toBe(200);
});

it('trap 4: a 500 that means a restricted account is retried, and needs attention if it stands', async () => {
  const { world, id } = await simulatedWorld('petrosoft', { trait: 'restricted', start: false });
  await world.run('petrosoft', minutes(5), minutes(5));
  expect(await world.record(id)).toMatchObject({ status: 'failing' });
  await world.run('petrosoft', minutes(50), minutes(5));
  expect(world.calls).toHaveLength(2);
  expect(await world.record(id)).toMatchObject({ status: 'attention', lastError: { code: 'account_restricted' } });
});

describe('trap 5: of a body that echoes the token nothing gets into logs, events, metrics, stored errors or API answers', () => {
  const MARK = 'planted-7f3a';
  /** The token and every field in which a provider might repeat it, in any case and encoding. */
  const everywhere = (request: HttpRequest) => {
    const said = `${MARK} Token: ${request.body} ${Object.values(request.headers).join(' ')}`;
    return {
      ...echo(said),
      error_description: said,
      errorDescription: said,
      error_uri: said,
      statusCode: said,
      [said]: said,
    };
  };
  const answers: readonly [string, Instead][] = [
    ['a breakdown', request => answer(everywhere(request), 500, { 'x-echo': MARK, location: MARK })],
    ['a refusal', request => answer({ ...everywhere(request), error: 'invalid_grant' }, 400, { 'retry-after': MARK })],
    ['a refusal in its own words', request => answer({ ...everywhere(request), error: MARK }, 401)],
    ['a success that is none', request => answer({ ...everywhere(request), access_token: `${MARK}\r\n` }, 200)],
    ['a redirect', request => answer(everywhere(request), 302, { location: `https://${MARK}.test` })],
  ];

  it.each(ids.flatMap(id => answers.map(([name, instead]) => [id, name, instead] as const)))(
    'of %s, said in %s',
    async (provider, _, instead) => {
      const { world, id, secret, script, tick } = await simulatedWorld(provider);
      const lines: unknown[] = [];
      const line = (...said: unknown[]) => void lines.push(said);
      const metrics = new Metrics({ namespace: 'test', serviceName: 'test' });
      const observer = powertoolsObserver({ info: line, warn: line, error: line }, metrics, world.clock);
      const asked: unknown[] = [];
      const deps = {
        clock: world.clock,
        ...world.stores,
        providers: new Map(ids.map(each => [each, world.policy])),
        refresh: (request: RefreshRequest) => world.onDemand(request),
        refreshFailed: (error: unknown) => asked.push(error),
      };
      const serveAll = async () => {
        const paths = [
          ['GET', `/tokens/${id}`],
          ['POST', `/tokens/${id}`],
          ['GET', '/connections'],
        ] as const;
        return Promise.all(paths.map(([method, path]) => serve(deps, { method, path, query: {} })));
      };

      const { accessToken } = await world.token(id);
      const session = await world.refreshToken(id);
      world.clock.set((await world.token(id)).expiresAt - minutes(1));
      script.push(...Array.from({ length: 12 }, () => instead));
      await tick();
      // The token expires: no answer of the API has a reason to hold it.
      world.clock.pass(minutes(2));
      const served = await serveAll();
      await tick();
      for (const report of world.reports) observer.refresh(report);
      for (const report of world.sweeps) observer.sweep(report);
      const discovered = await world.discover();
      const { session: __, ...record } = await world.record(id);
      const transitions = world.reports.flatMap(report => transitionsOf(report, world.clock.now()));
      const everything = JSON.stringify([
        lines,
        metrics.serializeMetrics(),
        asked.map(String),
        served,
        discovered,
        record,
        transitions,
        world.reports,
        world.sweeps,
        world.unclaimed,
      ]);
      expect(lines.length).toBeGreaterThan(2);
      expect(record.lastError).toBeDefined();
      const shown = ['baseUrl', 'environment', 'scope', 'organizationSlug', 'redirectUri', 'orgId'];
      const credentials = Object.entries(secret).flatMap(([name, value]) =>
        shown.includes(name) ? [] : [String(value)],
      );
      for (const planted of [MARK, accessToken, session ?? MARK, ...credentials]) {
        expect(everything.includes(planted), `${planted.slice(0, 12)}…`).toBe(false);
        expect(everything.includes(Buffer.from(planted).toString('base64').slice(0, -4))).toBe(false);
      }
    },
  );
});

it.each(['petrosoft', 'powerepos', 'ioffice'])(
  'trap 6: invalid_grant on a full grant of %s stops at once, and only a changed secret starts again',
  async provider => {
    const { world, id, secret, whenDue, tick, use } = await simulatedWorld(provider);
    const before = await world.token(id);
    await world.put(id, { ...secret, password: 'wrong' });
    await world.discover();
    await tick();
    expect(world.calls).toHaveLength(1);
    expect(await world.record(id)).toMatchObject({
      status: 'attention',
      lastError: { code: 'invalid_grant' },
    });
    expect(world.sweeps.at(-1)).toMatchObject({ results: { attention: 1 } });
    expect(await world.token(id)).toEqual(before);
    expect(await use()).toBe(200);
    await world.run(provider, hours(48), minutes(5));
    await world.onDemand({ kind: 'force', connection: id, issuedAt: before.issuedAt, waits: false });
    expect(world.calls).toHaveLength(1);
    await world.put(id, secret);
    await world.discover();
    await tick();
    expect(await use()).toBe(200);
    expect(await world.record(id)).toMatchObject({ status: 'healthy', failures: 0 });
    await whenDue();
  },
);

it('trap 7: no refresh token in the answer means the full grant, and no crash', async () => {
  for (const [provider, options] of [
    ['poweroffice-v1', {}],
    ['powerepos', { change: { scope: 'partnerservices' } }],
  ] as const) {
    const { world, id, whenDue, tick, use } = await simulatedWorld(provider, options);
    expect(await world.record(id)).not.toHaveProperty('session');
    for (let round = 0; round < 3; round++) {
      await whenDue();
      await tick();
      expect(await use()).toBe(200);
    }
    expect(world.calls).toHaveLength(3);
    expect(refreshRequests(world.calls)).toEqual([]);
  }
});

describe('trap 8: a refresh answer without a new refresh token keeps the old one; with one, the old one is spent', () => {
  it('kept', async () => {
    const { world, id, whenDue, tick } = await simulatedWorld('poweroffice-v1', { trait: 'legacy' });
    const session = await world.refreshToken(id);
    for (let round = 0; round < 3; round++) {
      await whenDue();
      await tick();
      expect(await world.refreshToken(id)).toBe(session);
    }
    expect(refreshRequests(world.calls)).toHaveLength(3);
  });
  it.each(['powerepos', 'ioffice'])('spent at %s', async provider => {
    const { world, id, whenDue, tick, use } = await simulatedWorld(provider);
    const sent = new Set<string | undefined>();
    for (let round = 0; round < 4; round++) {
      sent.add(await world.refreshToken(id));
      await whenDue();
      await tick();
      expect(await use()).toBe(200);
    }
    expect(sent.size).toBe(4);
    // A second use of a refresh token would have ended the family, and cost a login.
    expect(refreshRequests(world.calls)).toHaveLength(world.calls.length);
  });
});

it.each(ids)(
  'trap 9: margins are fractions of the real lifetime: %s is renewed about half-way, whatever its life',
  async provider => {
    const { world, id, use } = await simulatedWorld(provider);
    for (let round = 0; round < 3; round++) {
      const { issuedAt, expiresAt } = await world.token(id);
      const { dueAt } = await world.record(id);
      expect((dueAt - issuedAt) / (expiresAt - issuedAt)).toBeGreaterThan(0.44);
      expect((dueAt - issuedAt) / (expiresAt - issuedAt)).toBeLessThan(0.56);
      world.clock.set(dueAt - 1);
      expect(await world.tick(provider)).toMatchObject({ due: 0 });
      world.clock.set(dueAt);
      expect(await world.tick(provider)).toMatchObject({ results: { refreshed: 1 } });
      expect(await use()).toBe(200);
    }
  },
);

it('trap 10: the subscription key belongs to the consumer’s headers; the token alone is useless', async () => {
  const { world, id, secret, simulated, use } = await simulatedWorld('poweroffice-v2');
  const { headers, baseUrl } = await world.token(id);
  expect(headers['Ocp-Apim-Subscription-Key']).toBe(secret.subscriptionKey);
  expect(await use()).toBe(200);
  const { Authorization = '' } = headers;
  const alone = simulated({ method: 'GET', url: `${baseUrl}/things`, headers: { Authorization } });
  expect(alone).toMatchObject({ status: 401 });
});

it('trap 11: svc moves between refreshes, and no token is ever published with the previous one’s service address', async () => {
  const { world, id, whenDue, tick, use } = await simulatedWorld('powerepos');
  const seen = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const token = await world.token(id);
    const claims = JSON.parse(Buffer.from(token.accessToken.split('.')[1] ?? '', 'base64url').toString());
    expect(token.baseUrl).toBe(claims.svc);
    expect(await use()).toBe(200);
    seen.add(token.baseUrl);
    await whenDue();
    if (round === 2) {
      const died = dieAt(world, 'after', 'tokens.publish');
      void tick();
      await died;
    } else await tick();
  }
  expect(seen.size).toBe(4);
});

it('trap 11: an old svc together with a token that names another is not published with it', async () => {
  const { world, id, script, tick } = await simulatedWorld('powerepos', { start: false });
  const exp = world.clock.now() / 1000 + 3600;
  script.push(
    altered({ access_token: jwt({ svc: 'https://new.powerepos.cloud', exp }), svc: 'https://old.powerepos.cloud' }),
  );
  await tick();
  expect((await world.token(id)).baseUrl).toBe('https://new.powerepos.cloud');
});

describe('trap 12: an answer of another organisation is refused, and the old token stays', () => {
  it.each([
    ['in the body', altered({ org_id: 'ORG-OTHER' })],
    ['in the claims', altered({ access_token: jwt({ org_id: 'ORG-OTHER', svc: 'https://region.powerepos.cloud' }) })],
  ])('%s', async (_, other) => {
    const { world, id, script, whenDue, tick, use } = await simulatedWorld('powerepos');
    const before = await world.token(id);
    await whenDue();
    script.push(other, other);
    await tick();
    expect(await world.token(id)).toEqual(before);
    expect(await use()).toBe(200);
    expect(await world.record(id)).toMatchObject({ status: 'attention', lastError: { code: 'organisation_mismatch' } });
    expect(world.calls).toHaveLength(2);
  });
});

describe('trap 13: an expires_in that cannot be', () => {
  const read = async (provider: string, expires_in: unknown) => {
    const { world, id, script, tick, account } = await simulatedWorld(provider, { start: false });
    // The second step of iOFFICE's login returns the token.
    if (account.provider === 'ioffice') script.push(undefined);
    const svc = 'https://region.powerepos.cloud';
    const access_token = 'opaque';
    script.push(altered({ access_token, svc, expires_in }));
    await tick();
    const token = await world.stores.tokens.get(id);
    return { token, life: token && token.expiresAt - token.issuedAt, warnings: world.reports.at(-1)?.warnings };
  };
  const unit = (provider: string) => (provider === 'ioffice' ? 1 : 1000);

  it.each(ids)('of %s is refused, read, assumed or capped', async provider => {
    const documented = providers.find(({ id }) => id === provider)?.lifetime ?? 0;
    for (const bad of [0, -1, '0', '-3600']) expect((await read(provider, bad)).token).toBeUndefined();
    expect((await read(provider, String(documented / unit(provider)))).life).toBe(documented);
    for (const none of [undefined, null, '', 'soon', {}]) {
      expect(await read(provider, none)).toMatchObject({ life: documented, warnings: ['lifetime_assumed'] });
    }
    for (const absurd of [1e15, 60 * documented]) {
      expect(await read(provider, absurd)).toMatchObject({ life: documented, warnings: ['lifetime_capped'] });
    }
  });
});

describe('trap 14: 200 with an error, HTML, half a JSON, nothing or an empty token is refused, and the good token stays', () => {
  it.each(ids)('of %s', async provider => {
    const bodies = [
      '',
      '<html>',
      '{"access_token":"t"',
      '[]',
      'null',
      '{"error":"invalid_grant"}',
      '{"access_token":""}',
    ];
    for (const body of bodies) {
      const { world, id, script, whenDue, tick, use } = await simulatedWorld(provider);
      const before = await world.token(id);
      await whenDue();
      script.push(...Array.from({ length: 4 }, () => () => answer(body)));
      await tick();
      expect(await world.token(id)).toEqual(before);
      expect(await use()).toBe(200);
      const { lastError, status } = await world.record(id);
      expect(['failing', 'attention']).toContain(status);
      expect(lastError?.code).toMatch(/^(malformed_answer|empty_access_token|invalid_grant)$/);
    }
  });
});

it.each(['powerepos', 'ioffice'])(
  'trap 15: a timeout after a rotating refresh token was sent to %s is neither success nor failure: never resent, recovered by the full grant',
  async provider => {
    const { world, id, script, whenDue, tick, use } = await simulatedWorld(provider);
    await whenDue();
    // The provider did spend it; only the answer was lost.
    script.push((request, simulated) => {
      simulated(request);
      return { kind: 'failed', code: 'timeout', sent: true };
    });
    await tick();
    expect(refreshRequests(world.calls)).toHaveLength(1);
    expect(await world.record(id)).toMatchObject({ status: 'healthy', failures: 0 });
    expect(await use()).toBe(200);
    await whenDue();
    await tick();
    expect(await use()).toBe(200);
  },
);

describe('trap 16: a crash between the provider’s answer and our write loses nothing for good, and publishes nothing by half', () => {
  const points = [
    ['after', 'send'],
    ['before', 'tokens.publish'],
    ['after', 'tokens.publish'],
    ['before', 'connections.settle'],
  ] as const;
  it.each(ids.flatMap(provider => points.map(([where, operation]) => [provider, where, operation] as const)))(
    'at %s, %s %s',
    async (provider, where, operation) => {
      const { world, id, whenDue, tick, use } = await simulatedWorld(provider);
      await whenDue();
      const died = dieAt(world, where, operation);
      void tick();
      await died;
      expect(await use()).toBe(200);
      const before = world.calls.length;
      world.clock.pass(minutes(1));
      await tick();
      expect(await use()).toBe(200);
      expect(await world.record(id)).toMatchObject({ status: 'healthy', failures: 0 });
      expect(world.calls.length - before).toBeLessThanOrEqual(2);
    },
  );
});

describe('trap 17: a response that redirects is refused: credentials follow it nowhere', () => {
  it.each(ids)('of %s', async provider => {
    const { world, id, script, whenDue, tick, use } = await simulatedWorld(provider);
    const before = await world.token(id);
    await whenDue();
    const redirect: Instead = () => answer(echo('x'), 307, { location: 'https://evil.test/token' });
    script.push(redirect, redirect, redirect);
    await tick();
    expect(world.calls.some(({ url }) => url.includes('evil.test'))).toBe(false);
    expect(world.calls).toHaveLength(1);
    expect(await world.token(id)).toEqual(before);
    expect(await use()).toBe(200);
    expect(await world.record(id)).toMatchObject({ lastError: { code: 'redirected', status: 307 } });
  });
});

it.each(ids)(
  'trap 18: expiry is computed once, from the clock before the request to %s, and never when read',
  async provider => {
    const { world, id, script, tick, account } = await simulatedWorld(provider, { start: false });
    const began = world.clock.now();
    if (provider === 'ioffice') script.push(undefined);
    const opaque = { access_token: 'opaque', svc: 'https://region.powerepos.cloud', refresh_token: undefined };
    const life = provider === 'ioffice' ? 600_000 : 600;
    script.push((request, simulated) => {
      world.clock.pass(seconds(7));
      return altered({ ...opaque, expires_in: life })(request, simulated);
    });
    await tick();
    expect(account.provider).toBe(provider);
    const token = await world.token(id);
    expect([token.issuedAt, token.expiresAt]).toEqual([began, began + minutes(10)]);
    world.clock.pass(minutes(3));
    expect(await world.token(id)).toEqual(token);
  },
);
