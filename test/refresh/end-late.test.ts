import { describe, expect, it } from 'vitest';
import { GRACE, RETIRED_FOR } from '../../lib/core/retirement.ts';
import { minutes } from '../../lib/core/types.ts';
import { type Ending, endingWorld, expectGone } from '../kit/ending.ts';
import { dieAt, failOnce, once } from '../kit/faults.ts';
import { answer, ID } from '../kit/vendor.ts';

/**
 * A worker that continues after the end of its connection has begun leaves nothing: no token to read, no session to
 * use.
 */

const points = ['send', 'sessions.keep', 'tokens.publish', 'connections.settle'] as const;

describe.each(points)('a worker that sleeps before %s while its connection ends', point => {
  /** `meanwhile` happens when the worker is about to go on. */
  const late = async (sleeps: number, meanwhile: (ending: Ending) => void) => {
    const ending = await endingWorld();
    const { world, tick, end } = ending;
    once(world, 'before', point, async () => {
      await end();
      world.clock.pass(sleeps);
      await world.discover();
      await tick();
      meanwhile(ending);
    });
    expect(await world.refresh(ID)).toMatchObject({ result: 'retired' });
    return ending;
  };
  const expectNothingLeft = async ({ world, revoked }: Ending) => {
    await expectGone(world, ID);
    expect(revoked).toContain('refresh-2');
  };
  const aFewTicks = async ({ world, tick }: Ending) => {
    for (let n = 0; n < 70; n += 1) {
      world.clock.pass(minutes(1));
      await tick();
    }
  };
  // Once the end has begun, later, and after discovery has looked for what is left.
  const sleeps = [0, minutes(2), RETIRED_FOR - GRACE - 1];

  describe.each<[string, (ending: Ending) => void]>([
    ['takes back what it brought', () => {}],
    ['has its session revoked later if the provider is down', ({ answers }) => answers(() => answer('', 503))],
  ])('%s', (_, meanwhile) => {
    it.each(sleeps)('after %i ms', async duration => {
      const ending = await late(duration, meanwhile);
      expect(await ending.world.stores.tokens.get(ID)).toBeUndefined();
      ending.answers(() => answer('{}'));
      await aFewTicks(ending);
      await expectNothingLeft(ending);
    });
  });

  it.each(sleeps)('(for %i ms) has what it brought taken back later if the store fails', async duration => {
    const ending = await late(duration, ({ world }) => failOnce(world, 'before', 'tokens.withdraw'));
    expect(ending.world.hooks).not.toHaveProperty('before');
    await aFewTicks(ending);
    await expectNothingLeft(ending);
  });
});

it.each([
  ['after', 'sessions.keep'],
  ['before', 'tokens.publish'],
  ['after', 'tokens.publish'],
  ['before', 'connections.settle'],
] as const)('what a worker stored that crashed %s %s is deleted after its lease', async (where, point) => {
  const { world, tick, replaceSecret, revoked } = await endingWorld();
  await new Promise<unknown>(died => {
    once(world, 'before', 'sessions.keep', async () => {
      await replaceSecret();
      await world.discover();
      await tick();
      void dieAt(world, where, point).then(died);
    });
    void world.refresh(ID);
  });
  for (let n = 0; n < 3; n += 1) {
    world.clock.pass(minutes(1));
    await tick();
  }
  await expectGone(world, ID);
  expect(revoked).toContain('refresh-2');
});
