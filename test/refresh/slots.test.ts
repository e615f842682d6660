import { describe, expect, it } from 'vitest';
import { seconds } from '../../lib/core/types.ts';
import { always } from '../kit/faults.ts';
import { ID, testProvider, vendorWorld } from '../kit/vendor.ts';

/** How long a run waits for a slot of a rate limit, and what is left for its calls. */

describe('a rate limit', () => {
  const rateLimit = { calls: 1, per: seconds(16) };

  it('is not waited for longer than a lease allows', async () => {
    const { world } = await vendorWorld({ provider: testProvider({ rateLimit }) });
    await world.useLimit(rateLimit, 1);
    expect(await world.refresh(ID)).toMatchObject({ result: 'postponed', calls: 0 });
    expect(world.clock.slept).toEqual([]);
  });

  it('that a run waited for leaves it its whole time for the call', async () => {
    const { world } = await vendorWorld({ provider: testProvider({ rateLimit: { calls: 1, per: seconds(4) } }) });
    await world.useLimit({ calls: 1, per: seconds(4) }, 1);
    always(world, 'after', 'secrets.get', () => world.clock.pass(seconds(0.5)));
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    expect(world.clock.slept[0]).toBeGreaterThan(3000);
    expect(world.deadlines).toEqual([world.policy.callDeadline]);
  });
});
