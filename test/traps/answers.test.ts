import { Metrics } from '@aws-lambda-powertools/metrics';
import { describe, expect, it } from 'vitest';
import { serve } from '../../lib/api/serve.ts';
import type { HttpRequest } from '../../lib/core/provider.ts';
import { hours, minutes } from '../../lib/core/types.ts';
import { transitionsOf } from '../../lib/events.ts';
import { powertoolsObserver } from '../../lib/observe/powertools.ts';
import type { RefreshRequest } from '../../lib/refresh/demand.ts';
import { dieAt } from '../kit/faults.ts';
import { type Instead, simulatedWorld } from '../kit/simulated.ts';
import { answer } from '../kit/vendor.ts';
import { jwt } from '../providers/fixtures.ts';
import { altered, echo, ids } from './altered.ts';

/** Which answers count, what of them is published, and what is logged. */

describe('trap 5: of a body that echoes the token nothing gets into logs, events, metrics, stored errors or API answers', () => {
  const MARK = 'planted-7f3a';
  /** The token and every field in which a provider might repeat it, in any case and encoding. */
  const everywhere = (request: HttpRequest) => {
    const text = `${MARK} Token: ${request.body} ${Object.values(request.headers).join(' ')}`;
    return {
      ...echo(text),
      error_description: text,
      errorDescription: text,
      error_uri: text,
      statusCode: text,
      [text]: text,
    };
  };
  const answers: readonly [string, Instead][] = [
    ['a breakdown', request => answer(everywhere(request), 500, { 'x-echo': MARK, location: MARK })],
    ['a refusal', request => answer({ ...everywhere(request), error: 'invalid_grant' }, 400, { 'retry-after': MARK })],
    ['a refusal in its own words', request => answer({ ...everywhere(request), error: MARK }, 401)],
    [
      'a success without a usable token',
      request => answer({ ...everywhere(request), access_token: `${MARK}\r\n` }, 200),
    ],
    ['a redirect', request => answer(everywhere(request), 302, { location: `https://${MARK}.test` })],
  ];

  it.each(ids.flatMap(id => answers.map(([name, instead]) => [id, name, instead] as const)))(
    'of %s, in %s',
    async (provider, _, instead) => {
      const { world, id, secret, script, tick } = await simulatedWorld(provider);
      const lines: unknown[] = [];
      const line = (...parts: unknown[]) => void lines.push(parts);
      const metrics = new Metrics({ namespace: 'test', serviceName: 'test' });
      const observer = powertoolsObserver({ info: line, warn: line, error: line }, metrics, world.clock);
      const failures: unknown[] = [];
      const deps = {
        clock: world.clock,
        ...world.stores,
        providers: new Map(ids.map(each => [each, world.policy])),
        refresh: (request: RefreshRequest) => world.onDemand(request),
        refreshFailed: (error: unknown) => failures.push(error),
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
        failures.map(String),
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
  'trap 6: invalid_grant on a login at %s stops at once, and only a changed secret starts again',
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
  const baseUrls = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const token = await world.token(id);
    const claims = JSON.parse(Buffer.from(token.accessToken.split('.')[1] ?? '', 'base64url').toString());
    expect(token.baseUrl).toBe(claims.svc);
    expect(await use()).toBe(200);
    baseUrls.add(token.baseUrl);
    await whenDue();
    if (round === 2) {
      const died = dieAt(world, 'after', 'tokens.publish');
      void tick();
      await died;
    } else await tick();
  }
  expect(baseUrls.size).toBe(4);
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
      '{"access_token":7}',
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
