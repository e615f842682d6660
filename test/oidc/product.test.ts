import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HttpReply } from '../../lib/core/provider.ts';
import { type ConnectionId, connectionId, minutes, seconds } from '../../lib/core/types.ts';
import { providerFromData } from '../../lib/definition/from-file.ts';
import { createSend } from '../../lib/http/send.ts';
import { World } from '../kit/world.ts';
import { imported, oidcDefinition, ways } from './definitions.ts';
import { CLIENT, PRIVATE_KEY, SECRET, startOpenIdServer } from './server.ts';

/** The whole product against a third-party server: discovery, claims, stores, HTTP, and the results. */

const ID = connectionId('openid', 'acme') as ConnectionId;

beforeEach(() => {
  // The server uses the clock of the world.
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** A world whose provider is the server: requests to it use real sockets. `fail` breaks the next answer. */
const worldOf = async (how: keyof typeof ways, parts: object, secret: Record<string, string>) => {
  const server = await startOpenIdServer(how);
  const world = new World([providerFromData({ ...oidcDefinition, ...parts })], () => lost, {
    policy: { tick: minutes(1) },
  });
  const pass = (duration: number) => {
    world.clock.pass(duration);
    vi.setSystemTime(world.clock.now());
  };
  pass(0);
  const send = createSend('any');
  let fail: 'after' | undefined;
  const worker = () => ({
    ...world.worker(),
    send: async (...call: Parameters<typeof send>) => {
      const reply = await send(...call);
      if (fail === undefined) return reply;
      fail = undefined;
      return lost;
    },
  });
  await world.add(ID, { clientId: CLIENT, baseUrl: server.url, ...secret });
  return {
    ...{ world, server, pass },
    loseNextAnswer: () => {
      fail = 'after';
    },
    tick: () => world.tick('openid', worker()),
    /** Ticks each minute. */
    run: async (duration: number) => {
      for (let passed = 0; passed < duration; passed += minutes(1)) {
        pass(minutes(1));
        await world.tick('openid', worker());
      }
    },
  };
};
const lost: HttpReply = { kind: 'failed', code: 'timeout', sent: true };

describe.each([
  ['client_secret_basic', { clientSecret: SECRET }],
  ['client_secret_post', { clientSecret: SECRET }],
  ['private_key_jwt', { key: PRIVATE_KEY }],
] as const)('client credentials by %s', (how, secret) => {
  it('bring a token, and another one long before it expires', async () => {
    const { world, tick, run } = await worldOf(how, ways[how], secret);
    await tick();
    const first = await world.token(ID);
    expect(first).toMatchObject({
      expiresAt: first.issuedAt + minutes(10),
      headers: { Authorization: expect.any(String) },
    });
    await run(minutes(30));
    const last = await world.token(ID);
    expect(last.accessToken).not.toBe(first.accessToken);
    expect(last.expiresAt - world.clock.now()).toBeGreaterThan(minutes(3));
    expect(world.reports.every(({ result }) => result === 'refreshed')).toBe(true);
  });

  it('that are wrong are refused, and work as soon as they are corrected', async () => {
    const wrong = how === 'private_key_jwt' ? { clientId: 'somebody' } : { clientSecret: 'wrong' };
    const { world, server, tick, pass } = await worldOf(how, ways[how], { ...secret, ...wrong });
    await tick();
    expect(await world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'invalid_client' } });
    await world.put(ID, JSON.stringify({ clientId: CLIENT, baseUrl: server.url, ...secret }));
    pass(minutes(1));
    await world.discover();
    await tick();
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  });
});

describe('a refresh token from elsewhere, at a server that rotates and revokes what is used twice', () => {
  const start = async () => {
    const server = await worldOf('client_secret_basic', imported, { clientSecret: SECRET, refreshToken: 'none yet' });
    const refreshToken = await server.server.consent();
    const secret = { clientId: CLIENT, baseUrl: server.server.url, clientSecret: SECRET, refreshToken };
    await server.world.put(ID, JSON.stringify(secret));
    await server.world.discover();
    await server.tick();
    return { ...server, refreshToken };
  };

  it('is used once; its successors renew the token for hours', async () => {
    const { world, server, run, refreshToken } = await start();
    expect(await server.takes((await world.token(ID)).accessToken)).toBe(true);
    const second = await world.refreshToken(ID);
    expect(second).not.toBe(refreshToken);
    await run(minutes(120));
    expect(await world.refreshToken(ID)).not.toBe(second);
    expect(await server.takes((await world.token(ID)).accessToken)).toBe(true);
    expect(await world.record(ID)).toMatchObject({ status: 'healthy', failures: 0 });
    expect(server.revoked()).toBe(0);
  });

  it.each(['connections.claim', 'sessions.keep', 'tokens.publish', 'connections.settle'])(
    'survives a worker that dies after %s',
    async operation => {
      const { world, server, pass, run, tick } = await start();
      pass(minutes(6));
      const died = Promise.withResolvers<'died'>();
      world.hooks.after = at => {
        if (at !== operation) return Promise.resolve();
        delete world.hooks.after;
        died.resolve('died');
        return new Promise(() => {});
      };
      expect(await Promise.race([died.promise, tick()])).toBe('died');
      await run(minutes(20));
      expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
      expect(await server.takes((await world.token(ID)).accessToken)).toBe(true);
      expect(server.revoked()).toBe(0);
    },
  );

  it('whose answer is lost is reported, and keeps the published token until a person brings another one', async () => {
    const { world, server, pass, tick, run, loseNextAnswer } = await start();
    const { accessToken } = await world.token(ID);
    pass(minutes(6));
    loseNextAnswer();
    await tick();
    expect(await world.record(ID)).toMatchObject({ session: { inDoubt: true } });
    pass(seconds(60));
    await tick();
    // A replay would make the server revoke everything.
    expect(server.revoked()).toBe(0);
    expect(await server.takes(accessToken)).toBe(true);
    const secret = {
      clientId: CLIENT,
      baseUrl: server.url,
      clientSecret: SECRET,
      refreshToken: await server.consent(),
    };
    await world.put(ID, JSON.stringify(secret));
    await world.discover();
    await run(minutes(15));
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(await server.takes((await world.token(ID)).accessToken)).toBe(true);
  });

  it('that was used elsewhere is refused, and the connection needs attention', async () => {
    const { world, server, run } = await start();
    const held = await world.refreshToken(ID);
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: held ?? '' });
    const encoded = [CLIENT, SECRET].map(part => new URLSearchParams([['', part]]).toString().slice(1)).join(':');
    const authorization = `Basic ${Buffer.from(encoded).toString('base64')}`;
    await fetch(`${server.url}/token`, { method: 'POST', body, headers: { authorization } });
    await run(minutes(7));
    expect(server.revoked()).toBeGreaterThan(0);
    expect(await world.record(ID)).toMatchObject({ status: 'attention' });
  });
});
