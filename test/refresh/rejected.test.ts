import { describe, expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { answer, ID, testProvider, vendorWorld } from '../kit/vendor.ts';

/** What a firewall or a gateway in front of the token endpoint says. */
const blips = [
  ['403 with HTML', () => answer('<html>', 403)],
  ['401 without a word', () => answer('', 401)],
  ['400 invalid_request', () => answer({ error: 'invalid_request' }, 400)],
  ['404', () => answer('', 404)],
] as const;

describe.each(blips)('%s, once', (_, blip) => {
  it.each([true, false])('does not stop retries and costs no session (logins that lock: %s)', async locksAccounts => {
    const { world, vendor } = await vendorWorld({ provider: testProvider({ locksAccounts }) });
    vendor.script.push(blip, blip);
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', to: 'failing' });
    expect(await world.refreshToken(ID)).toBe('refresh-1');
    await world.run('test-provider', minutes(10), minutes(1));
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(vendor.count('refresh')).toBe(2);
    expect(vendor.reused).toBe(0);
  });
});

it('three minutes of rejections cost no token of ten minutes', async () => {
  const { world, vendor } = await vendorWorld({ provider: testProvider({ lifetime: minutes(10) }), refreshed: false });
  vendor.life = minutes(10);
  await world.tick('test-provider');
  await world.run('test-provider', minutes(6), minutes(1));
  const from = world.clock.now();
  world.vendor = request => (world.clock.now() - from < minutes(3) ? answer('', 403) : vendor.handle(request));
  for (let minute = 0; minute < 30; minute += 1) {
    await world.run('test-provider', minutes(1), minutes(1));
    expect((await world.token(ID)).expiresAt).toBeGreaterThan(world.clock.now());
  }
});

describe('a firewall does not outlast itself', () => {
  const behindFirewall = async (lasts: number, locksAccounts: boolean) => {
    const { world, vendor } = await vendorWorld({ provider: testProvider({ locksAccounts }) });
    const start = world.clock.now();
    world.vendor = () => answer('<html>', 403);
    await world.run('test-provider', lasts, minutes(5));
    const logins = world.calls.filter(({ body }) => body?.includes('password')).length;
    const calls = world.calls.length;
    world.vendor = vendor.handle;
    const record = async () => (await world.record(ID)).status;
    while ((await record()) !== 'healthy' && world.clock.now() - start < lasts + hours(24)) {
      await world.run('test-provider', minutes(1), minutes(1));
    }
    return { calls, logins, late: world.clock.now() - start - lasts, vendor };
  };

  it.each([minutes(30), hours(3), hours(5), hours(30)])(
    'of %i ms, if logins may lock: the refresh token is sent',
    async lasts => {
      const { late, logins, vendor } = await behindFirewall(lasts, true);
      expect(late).toBeLessThanOrEqual(minutes(20));
      // After 2 minutes, 1 hour, 8 hours, and 16.
      expect(logins).toBeLessThanOrEqual(5);
      expect(vendor.count('password')).toBe(0);
    },
  );

  it.each([hours(3), hours(30)])('of %i ms, if they do not', async lasts => {
    const { late, calls } = await behindFirewall(lasts, false);
    expect(late).toBeLessThanOrEqual(minutes(20));
    expect(calls).toBeLessThan((2 * lasts) / minutes(14) + 40);
  });
});

it('a login waits for no firewall that is gone: the session that renewed meanwhile may end', async () => {
  const { world, vendor } = await vendorWorld({ provider: testProvider({ locksAccounts: true }) });
  world.vendor = () => answer('<html>', 403);
  await world.run('test-provider', hours(12), minutes(5));
  world.vendor = vendor.handle;
  await world.run('test-provider', hours(1), minutes(1));
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  expect(vendor.count('password')).toBe(0);
  vendor.endSessions();
  await world.run('test-provider', hours(1), minutes(1));
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  expect(vendor.count('password')).toBe(1);
});

it('a login that is refused, and so held back, costs no session that renews', async () => {
  const { world, vendor } = await vendorWorld({ provider: testProvider({ locksAccounts: true }) });
  vendor.password = 'changed by somebody';
  await world.add('test-provider/other' as never, { password: 'right' });
  await world.tick('test-provider');
  expect(await world.record('test-provider/other' as never)).toMatchObject({ status: 'attention' });
  vendor.script.push(...Array.from({ length: 4 }, () => () => answer('', 503)));
  await world.run('test-provider', hours(9), minutes(1));
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
});

it('a rejection that comes again two minutes later calls for a person, keeps the session, and is over when the provider answers again', async () => {
  const { world, vendor } = await vendorWorld();
  world.vendor = () => answer('', 403);
  await world.run('test-provider', minutes(5), minutes(1));
  expect(await world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'access_refused' } });
  const calls = await world.run('test-provider', hours(24), minutes(1));
  // Every quarter of an hour, and more often while the token is valid.
  expect(calls).toBeLessThan(120);
  expect(await world.refreshToken(ID)).toBe('refresh-1');
  world.vendor = vendor.handle;
  await world.run('test-provider', hours(24), minutes(5));
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
});
