import { expect, it } from 'vitest';
import { policyOf } from '../../lib/core/policy.ts';
import { hours } from '../../lib/core/types.ts';
import { madeUpAccount } from '../../local/simulators/generic/made-up.ts';
import { createSimulators, sendTo } from '../../local/simulators/index.ts';
import { allDefined } from '../kit/all-defined.ts';
import { idOf } from '../kit/records.ts';
import { seeded } from '../kit/seeded.ts';
import { World } from '../kit/world.ts';

const url = 'http://127.0.0.1:8080';

/**
 * The product keeps each definition fresh at the generic simulator, which refuses whatever the definition does not say.
 */
it.each(allDefined)('$id: a connection stays fresh for ten lifetimes, also if consumers force it', async provider => {
  const id = idOf('acme', provider.id);
  const account = madeUpAccount(provider, 'acme');
  const policy = policyOf(provider);
  const world: World = new World([provider], request => sendTo(simulators, url, request), { policy });
  const place = { now: world.clock.now, scale: 1, random: seeded(2), url };
  const simulators = createSimulators(place, [account], [provider]);
  await world.add(id, { ...account.fields, baseUrl: `${url}/${provider.id}` });
  await world.tick(provider.id);
  const every = Math.max(policy.tick, provider.lifetime / 200);
  for (let passed = 0; passed < 10 * provider.lifetime && passed < hours(24 * 60); passed += every) {
    const { issuedAt, expiresAt } = await world.token(id);
    expect(expiresAt).toBeGreaterThan(world.clock.now());
    if (passed % (3 * every) === 0) await world.onDemand({ kind: 'force', connection: id, issuedAt, waits: false });
    await world.run(provider.id, every, every);
  }
  expect(await world.record(id)).toMatchObject({ status: 'healthy', failures: 0 });
  expect(world.reports.filter(({ result }) => result !== 'refreshed')).toEqual([]);
});
