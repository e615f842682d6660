import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { hours, minutes, seconds } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { simulatedWorld } from '../kit/simulated.ts';
import { jwt } from '../providers/fixtures.ts';
import { altered, ids } from './altered.ts';

/** When a token expires, and when it is renewed: from the schedule to the published token. */

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

it.each(ids)(
  'trap 9: margins are fractions of the real lifetime: %s is renewed after the same share, whatever its life',
  async provider => {
    const { refreshAt, jitter } = defaultPolicy;
    const { world, id, use } = await simulatedWorld(provider);
    for (let round = 0; round < 3; round++) {
      const { issuedAt, expiresAt } = await world.token(id);
      const { dueAt } = await world.record(id);
      const share = (dueAt - issuedAt) / (expiresAt - issuedAt);
      expect(Math.abs(share / refreshAt - 1)).toBeLessThan(jitter + 0.01);
      world.clock.set(dueAt - 1);
      expect(await world.tick(provider)).toMatchObject({ due: 0 });
      world.clock.set(dueAt);
      expect(await world.tick(provider)).toMatchObject({ results: { refreshed: 1 } });
      expect(await use()).toBe(200);
    }
  },
);

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
