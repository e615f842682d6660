import { describe, expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { answer, ID, testProvider, vendorWorld } from '../support/vendor.ts';

/** What a firewall or a gateway in front of the token endpoint says. */
const blips = [
  ['403 with HTML', () => answer('<html>', 403)],
  ['401 without a word', () => answer('', 401)],
  ['400 invalid_request', () => answer({ error: 'invalid_request' }, 400)],
  ['404', () => answer('', 404)],
] as const;

describe.each(blips)('%s, once', (_, blip) => {
  it.each([true, false])('stops nobody and costs no session (logins that lock: %s)', async locksAccounts => {
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

it('a rejection of a refresh is made good by a login in the same run', async () => {
  const { world, vendor } = await vendorWorld();
  vendor.script.push(() => answer('', 401));
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', calls: 2 });
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

it('a rejection that stands calls for a person, keeps the session, and is over when the provider answers again', async () => {
  const { world, vendor } = await vendorWorld();
  world.vendor = () => answer('', 403);
  await world.run('test-provider', minutes(5), minutes(1));
  expect(await world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'access_refused' } });
  const calls = await world.run('test-provider', hours(24), minutes(1));
  expect(calls).toBeLessThan(80);
  expect(await world.refreshToken(ID)).toBe('refresh-1');
  world.vendor = vendor.handle;
  await world.run('test-provider', hours(24), minutes(5));
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
});
