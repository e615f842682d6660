import { describe, expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { dieAt } from '../kit/faults.ts';
import { type Instead, simulatedWorld } from '../kit/simulated.ts';
import { answer } from '../kit/vendor.ts';
import { altered, echo, ids, refreshRequests } from './altered.ts';

/** When a refresh token is used, kept and replaced, and when a login takes its place. */

const echoing: Instead = request => answer(echo(String(JSON.parse(request.body ?? '{}').refresh_token)), 500);
describe('trap 3: a refresh that returns the same exp ends in a login before that exp, with a bounded number of calls', () => {
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

/** A Petrosoft session that would lengthen its token’s life: its refresh token is used. */
const withLongSession = async () => {
  const given = await simulatedWorld('petrosoft', { start: false });
  given.script.push(altered({ refresh_expires_in: 30 * 86_400 }));
  await given.tick();
  given.world.calls.length = 0;
  await given.whenDue();
  return given;
};

it('trap 4: a 500 that means a bad refresh token is not retried, and costs exactly one login', async () => {
  const { world, id, script, tick, use } = await withLongSession();
  script.push(echoing);
  await tick();
  expect(world.calls.map(({ url }) => new URL(url).pathname.split('/').at(-1))).toEqual(['refresh_token', 'token']);
  expect(await world.record(id)).toMatchObject({ status: 'healthy', failures: 0 });
  expect(await use()).toBe(200);
});

it('trap 4: a 500 that means a restricted account is retried, and needs attention if it comes again', async () => {
  const { world, id } = await simulatedWorld('petrosoft', { trait: 'restricted', start: false });
  await world.run('petrosoft', minutes(5), minutes(5));
  expect(await world.record(id)).toMatchObject({ status: 'failing' });
  await world.run('petrosoft', minutes(50), minutes(5));
  expect(world.calls).toHaveLength(2);
  expect(await world.record(id)).toMatchObject({ status: 'attention', lastError: { code: 'account_restricted' } });
});

it('trap 7: no refresh token in the answer means a login, and no crash', async () => {
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

it.each(['powerepos', 'ioffice'])(
  'trap 15: a timeout after a rotating refresh token was sent to %s is neither success nor failure: never resent, recovered by a login',
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
