import { describe, expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { simulatedAccount } from '../../local/simulators/accounts.ts';
import { rotatingProviders, simulatedProviders } from '../../local/simulators/index.ts';
import { granted, refreshTokenOf, start, statusOf } from '../kit/client.ts';

describe.each(simulatedProviders)('%s', provider => {
  const account = simulatedAccount(provider, 'acme');

  it('grants a token that its API takes, until it expires', () => {
    const { world, client } = start(account);
    const token = granted(client.logIn());
    expect(token.warnings).toEqual([]);
    expect(client.use(token)).toBe(200);
    world.pass(token.expiresAt - world.now() - 1);
    expect(client.use(token)).toBe(200);
    world.pass(1);
    expect(client.use(token)).toBe(401);
  });

  it('shortens lifetimes by the scale', () => {
    const life = (scale: number) => {
      const token = granted(start(account, {}, scale).client.logIn());
      return token.expiresAt - token.issuedAt;
    };
    expect(Math.abs(life(60) - life(1) / 60)).toBeLessThanOrEqual(1);
  });

  it('accepts only its own tokens and the documented method', () => {
    const { world, client } = start(account);
    const token = granted(client.logIn());
    const headers = Object.fromEntries(
      Object.entries(token.headers).map(([name, value]) => [name, value.replace(token.accessToken, 'made-up')]),
    );
    expect(client.use({ ...token, headers })).toBe(401);
    expect(client.use({ ...token, headers: {} })).toBe(401);
    const { url, headers: own } = client.account.logIn();
    expect(statusOf(world.send({ method: 'GET', url, headers: own }))).toBe(405);
  });

  it('refuses wrong credentials for good', () => {
    const secrets = ['clientKey', 'clientSecret', 'password'].filter(field => field in account.fields);
    for (const field of secrets) {
      const { client } = start(account, { [field]: 'wrong' });
      expect(client.logIn()).toMatchObject({
        kind: 'refused',
        code: expect.stringMatching(/^invalid_(client|grant)$/),
      });
    }
    expect(secrets).not.toEqual([]);
  });

  it('refuses a refresh token that it never gave', () => {
    const { client } = start(account);
    if (client.account.refresh) expect(client.refresh('a.b.c')).toMatchObject({ kind: 'refused' });
  });

  it('says truly whether a refresh token is good for one use', () => {
    const { client } = start(simulatedAccount(provider, 'acme', { trait: 'legacy' }));
    const first = granted(client.logIn());
    const rotates = rotatingProviders.has(provider);
    if (first.refreshToken === undefined) {
      expect(rotates).toBe(false);
      return;
    }
    const second = granted(client.refresh(first.refreshToken));
    expect(second.refreshToken !== undefined && second.refreshToken !== first.refreshToken).toBe(rotates);
    expect(client.refresh(first.refreshToken).kind).toBe(rotates ? 'refused' : 'granted');
    // Reuse of a spent one ends all tokens of its login, and no others.
    const left = rotates ? 401 : 200;
    expect([client.use(first), client.use(second)]).toEqual([left, left]);
  });

  it('does the same again in the same world, and continues from a saved state', () => {
    const [one, two] = [start(account), start(account)];
    const token = granted(one.client.logIn());
    expect(granted(two.client.logIn())).toEqual(token);
    const saved = JSON.parse(JSON.stringify(one.world.simulators.state.get()));
    expect(JSON.parse(JSON.stringify(two.world.simulators.state.get()))).toEqual(saved);
    const later = start(account);
    expect(later.client.use(token)).toBe(401);
    later.world.simulators.state.restore(saved);
    expect(later.client.use(token)).toBe(200);
  });
});

describe.each([...rotatingProviders])('%s rotates its refresh tokens', provider => {
  const account = simulatedAccount(provider, 'acme');

  it('through many refreshes', () => {
    const { world, client } = start(account);
    let token = granted(client.logIn());
    for (let i = 0; i < 5; i += 1) {
      world.pass(minutes(10));
      const next = granted(client.refresh(refreshTokenOf(token)));
      expect(next.refreshToken).not.toBe(token.refreshToken);
      expect(next.accessToken).not.toBe(token.accessToken);
      expect(client.use(next)).toBe(200);
      token = next;
    }
  });

  it('ends the whole family when a spent one comes back; a login starts a new one', () => {
    const { client } = start(account);
    const first = granted(client.logIn());
    const second = granted(client.refresh(refreshTokenOf(first)));
    expect(client.refresh(refreshTokenOf(first))).toMatchObject({ kind: 'refused' });
    expect(client.refresh(refreshTokenOf(second))).toMatchObject({ kind: 'refused' });
    expect([client.use(first), client.use(second)]).toEqual([401, 401]);
    expect(client.use(granted(client.logIn()))).toBe(200);
  });

  it('forgets those that have ended', () => {
    const { world, client } = start(account);
    for (let i = 0; i < 10; i += 1) {
      client.logIn();
      world.pass(hours(24 * 31));
    }
    const state = world.simulators.state.get()[provider];
    expect([state?.tokens.length, state?.refreshTokens.length]).toEqual([1, 1]);
  });
});
