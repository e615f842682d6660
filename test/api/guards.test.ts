import { expect, it } from 'vitest';
import { seconds } from '../../lib/core/types.ts';
import { apiWorld } from '../support/api-world.ts';
import { virtualClock } from '../support/virtual-clock.ts';

/** A guard that nothing else would miss: found by taking it away. */

it('a refresher that never answers keeps no reader from a token that lives', async () => {
  const clock = virtualClock();
  const world = apiWorld(clock);
  await world.add('acme');
  await world.tick();
  clock.pass(seconds(10));
  const before = clock.now();
  const silent = { ask: () => new Promise<never>(() => {}) };
  const answer = await world.ask('GET', '/tokens/poweroffice-v2/acme', { minTtl: '1199' }, silent);
  expect(answer).toMatchObject({ status: 200, json: { accessToken: 'token-1' } });
  // An HTTP API gives up after 30 s.
  expect(clock.now() - before).toBeLessThan(seconds(29));
});
