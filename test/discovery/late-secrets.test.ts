import { expect, it } from 'vitest';
import { GRACE } from '../../lib/core/retirement.ts';
import { hours, minutes, version } from '../../lib/core/types.ts';
import { discoverNow } from '../kit/discover.ts';
import { once } from '../kit/faults.ts';
import { ID, vendorWorld } from '../kit/vendor.ts';
import { PREFIX } from '../kit/world.ts';

/** Secrets that are broken, that the list lacks, or that come back late. */

it('a secret that is not listed and cannot be understood is not gone', async () => {
  const { world } = await vendorWorld();
  await world.put(ID, '{"password": ');
  const { clock, providers, stores } = world;
  const unlisted = { ...stores, secrets: { ...stores.secrets, list: async () => [] } };
  const report = await discoverNow({ clock, providers, prefix: PREFIX, connectionsPerSecret: 200, ...unlisted });
  expect(report.retired).toEqual([]);
  expect(await world.record(ID)).not.toHaveProperty('retiredAt');
});

it('a secret that was broken is noted as changed, which is reported at once', async () => {
  const { world } = await vendorWorld();
  const { discoveredVersion: before } = await world.record(ID);
  expect(await world.edit(ID, '{"password": ')).toMatchObject({ connections: 1, changed: [ID] });
  expect((await world.record(ID)).discoveredVersion).not.toBe(before);
});

it('a token that came after the end had begun is not withdrawn', async () => {
  const { world } = await vendorWorld();
  const { version: last, ...token } = await world.token(ID);
  await world.deleteSecret(ID);
  world.clock.pass(GRACE + minutes(10));
  once(world, 'before', 'tokens.withdraw', () => world.stores.tokens.publish({ ...token, version: version(last + 1) }));
  await world.discover();
  expect(await world.token(ID)).toMatchObject({ version: last + 1 });
});

it('a connection whose secret comes back late is not removed by the discovery that finds it', async () => {
  const { world } = await vendorWorld();
  await world.deleteSecret(ID);
  world.clock.pass(hours(2));
  expect(await world.restoreSecret(ID)).toMatchObject({ revived: [ID], removed: [] });
});
