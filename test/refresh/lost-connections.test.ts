import { expect, it } from 'vitest';
import { minutes, plus } from '../../lib/core/types.ts';
import { failOnce, once } from '../kit/faults.ts';
import { answer, ID, lostAnswer, testProvider, vendorWorld } from '../kit/vendor.ts';

/** A worker that loses its connection, its publication or its session. */

it('a worker that lost its connection and cannot read why leaves the token alone', async () => {
  const { world } = await vendorWorld();
  once(world, 'before', 'connections.settle', async () => {
    const leaseUntil = plus(world.clock.now(), minutes(1));
    await world.stores.connections.claim(await world.record(ID), { id: 'other', leaseUntil });
    failOnce(world, 'before', 'connections.get');
  });
  expect(await world.refresh(ID)).toMatchObject({ result: 'lost' });
  expect(await world.token(ID)).toMatchObject({ accessToken: 'access-2' });
});

it('publications that fail one after the other are counted', async () => {
  const { world } = await vendorWorld();
  for (const failures of [1, 2]) {
    failOnce(world, 'before', 'tokens.publish');
    await world.refresh(ID);
    expect(await world.record(ID)).toMatchObject({ status: 'failing', failures });
  }
});

it('a session that was refused before a code was tried in vain is not tried again', async () => {
  const { world, vendor } = await vendorWorld({ secret: { code: 'good-1' }, provider: testProvider() });
  // A new code, whose predecessor's session is refused, and whose own answer is lost.
  await world.edit(ID, { code: 'good-2' });
  vendor.script.push(() => lostAnswer);
  await world.refresh(ID);
  vendor.script.push(
    () => answer({ error: 'invalid_grant' }, 400),
    () => lostAnswer,
  );
  await world.refresh(ID);
  expect(await world.record(ID)).not.toHaveProperty('session');
});
