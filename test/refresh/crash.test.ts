import { describe, expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { crashAt, failAlways, failOnce, once } from '../kit/faults.ts';
import { answer, ID, SURELY_DUE, vendorWorld } from '../kit/vendor.ts';

const points = [
  ['before', 'connections.claim'],
  ['after', 'connections.claim'],
  ['before', 'secrets.get'],
  ['after', 'secrets.get'],
  ['before', 'send'],
  ['after', 'send'],
  ['before', 'sessions.keep'],
  ['after', 'sessions.keep'],
  ['before', 'tokens.publish'],
  ['after', 'tokens.publish'],
  ['before', 'connections.settle'],
  ['after', 'connections.settle'],
] as const;

describe.each(points)('a worker that crashes %s %s', (where, operation) => {
  it('leaves a valid token, and the next worker continues from there after the lease', async () => {
    const { world, vendor } = await vendorWorld();
    await crashAt(world, where, operation, () => world.tick('test-provider'));

    // Meanwhile there is a whole token, the old one or the new.
    const meanwhile = await world.token(ID);
    expect(vendor.accepts(meanwhile.accessToken)).toBe(true);
    expect(meanwhile.headers.authorization).toBe(`Bearer ${meanwhile.accessToken}`);
    const callsMeanwhile = world.calls.length;

    // No worker claims it while the lease lasts.
    const claimed = where === 'after' || operation !== 'connections.claim';
    const settled = where === 'after' && operation === 'connections.settle';
    world.clock.pass(world.policy.lease - 1);
    if (claimed) expect(await world.tick('test-provider')).toMatchObject({ due: 0 });

    world.clock.pass(1);
    const tick = await world.tick('test-provider');
    expect(tick.results.refreshed).toBe(settled ? 0 : 1);
    const record = await world.record(ID);
    expect(record).toMatchObject({ status: 'healthy', failures: 0 });
    expect(record.leaseUntil).toBeUndefined();
    expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
    // The refresh token that the crashed worker may have spent is not sent again: one login repairs everything.
    expect(vendor.reused).toBe(0);
    expect(world.calls.length - callsMeanwhile).toBeLessThanOrEqual(1);
  });
});

const storeFaults = [
  // It is kept at the second try, after the token is published.
  ['before', 'sessions.keep', 'refreshed', undefined],
  ['after', 'sessions.keep', 'refreshed', undefined],
  ['before', 'tokens.publish', 'failed', 'publish'],
  ['after', 'tokens.publish', 'failed', 'publish'],
  ['before', 'connections.settle', 'refreshed', 'settle'],
  ['after', 'connections.settle', 'refreshed', 'settle'],
] as const;

describe.each(storeFaults)('a store that fails %s %s', (where, operation, result, commitFailed) => {
  it(`makes a run ${result} that reports it, and the next one recovers`, async () => {
    const { world, vendor } = await vendorWorld();
    failOnce(world, where, operation);
    expect(await world.refresh(ID)).toMatchObject({ result });
    expect(world.reports.at(-1)?.commitFailed).toBe(commitFailed);
    expect(await world.refreshToken(ID)).toBe('refresh-2');
    expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);

    world.clock.pass(SURELY_DUE);
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    expect(vendor.accepts((await world.token(ID)).accessToken)).toBe(true);
    expect(vendor.reused).toBe(0);
    expect(await world.record(ID)).toMatchObject({ status: 'healthy', failures: 0 });
  });
});

it('a token that was not published is obtained again, with the session that came with it', async () => {
  const { world, vendor } = await vendorWorld();
  const before = await world.token(ID);
  failOnce(world, 'before', 'tokens.publish');
  await world.refresh(ID);
  // The record is about the token that is published, not about the one that is lost.
  expect(await world.record(ID)).toMatchObject({
    ...{ status: 'failing', failures: 1, expiresAt: before.expiresAt },
    lastError: { code: 'store_failed' },
  });
  expect(await world.refreshToken(ID)).toBe('refresh-2');
  await world.refresh(ID);
  expect(vendor.grants).toEqual(['refresh', 'refresh']);
});

it('a session that is over does not come back because its token was not published', async () => {
  const { world, vendor } = await vendorWorld();
  // A refresh that does not lengthen the token's life: the wall of the session.
  vendor.life = hours(1) - SURELY_DUE;
  failOnce(world, 'before', 'tokens.publish');
  await world.refresh(ID);
  expect(await world.record(ID)).not.toHaveProperty('session');
  world.clock.pass(minutes(1));
  await world.refresh(ID);
  expect(vendor.grants).toEqual(['refresh', 'password']);
  expect(vendor.reused).toBe(0);
});

it('if a store accepts claims and nothing else, a login is sent once a lease and the token stays published', async () => {
  const { world, vendor } = await vendorWorld();
  world.hooks.before = async operation => {
    if (/keep|publish|settle/.test(operation)) throw new Error('read only');
  };
  const before = await world.token(ID);
  for (let round = 0; round < 5; round++) {
    world.clock.pass(minutes(1));
    await world.refresh(ID);
  }
  expect(await world.token(ID)).toEqual(before);
  expect(world.calls).toHaveLength(5);
  expect(vendor.reused).toBe(0);
  delete world.hooks.before;
  world.clock.pass(minutes(1));
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
});

it('what a crashed worker may have spent stays unknown if the next one could not even call', async () => {
  const { world, vendor } = await vendorWorld();
  await crashAt(world, 'after', 'send', () => world.refresh(ID));
  world.clock.pass(minutes(1));
  failOnce(world, 'before', 'secrets.get');
  expect(await world.refresh(ID)).toMatchObject({ result: 'failed', calls: 0 });
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', calls: 1 });
  expect(vendor.grants).toEqual(['refresh', 'password']);
  expect(vendor.reused).toBe(0);
  expect(await world.record(ID)).not.toHaveProperty('leaseUntil');
});

it('a session that the store never took is not used, and neither is the spent one that is still there', async () => {
  const { world, vendor } = await vendorWorld();
  failAlways(world, 'before', 'sessions.keep');
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed', commitFailed: 'keep' });
  delete world.hooks.before;
  expect(await world.refreshToken(ID)).toBe('refresh-1');
  world.clock.pass(SURELY_DUE);
  expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
  expect(vendor.grants).toEqual(['refresh', 'password']);
  expect(vendor.reused).toBe(0);
});

it('a session whose answer from the store was lost both times is used all the same', async () => {
  const { world, vendor } = await vendorWorld();
  failAlways(world, 'after', 'sessions.keep');
  await world.refresh(ID);
  delete world.hooks.after;
  world.clock.pass(SURELY_DUE);
  await world.refresh(ID);
  expect(vendor.grants).toEqual(['refresh', 'refresh']);
  expect(vendor.reused).toBe(0);
});

it('the session of an old worker does not come back after a newer one forgot it', async () => {
  const { world, vendor } = await vendorWorld();
  once(world, 'before', 'sessions.keep', async () => {
    world.clock.pass(minutes(2));
    // The login of the next worker brings no session.
    vendor.script.push(() => answer({ access_token: 'alone', expires_in: 3600 }));
    await world.refresh(ID);
  });
  expect(await world.refresh(ID)).toMatchObject({ result: 'lost' });
  expect(await world.refreshToken(ID)).toBeUndefined();
  expect(await world.record(ID)).not.toHaveProperty('session');
});

it('publications that fail one after the other are counted', async () => {
  const { world } = await vendorWorld();
  for (const failures of [1, 2]) {
    failOnce(world, 'before', 'tokens.publish');
    await world.refresh(ID);
    expect(await world.record(ID)).toMatchObject({ status: 'failing', failures });
  }
});
