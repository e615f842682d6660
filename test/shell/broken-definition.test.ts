import { expect, it } from 'vitest';
import type { Account, Provider } from '../../lib/core/provider.ts';
import { plus, seconds } from '../../lib/core/types.ts';
import { ID, testProvider, vendorWorld } from '../support/vendor.ts';

const broken = (): never => {
  throw new TypeError('quotes the answer: secret-token');
};

const rows: readonly [string, Partial<Provider>, Partial<Account>][] = [
  ['usage', {}, { usage: broken }],
  ['sessionEnds', { sessionEnds: broken }, {}],
  ['exchange', {}, { exchange: broken }],
  ['logIn', {}, { logIn: broken }],
];

it.each(rows)('a bug in `%s` of a definition settles as a failure, with backoff', async (name, change, abilities) => {
  const provider = testProvider(change, abilities);
  const { world, vendor } = await vendorWorld({ provider, refreshed: false });
  const report = await world.refresh(ID);
  expect(report).toMatchObject({ result: 'failed', error: { code: 'internal_error' }, bug: expect.any(Array) });
  expect(report.bug?.join()).toContain('broken-definition.test.ts');
  expect(JSON.stringify(report)).not.toContain('secret-token');
  expect(report).not.toHaveProperty('commitFailed');
  expect(vendor.asked.length).toBe(name === 'logIn' ? 0 : 1);

  const record = await world.record(ID);
  expect(record).toMatchObject({ status: 'failing', failures: 1, lastError: { code: 'internal_error', times: 1 } });
  expect(record).not.toHaveProperty('leaseUntil');
  expect(record.lastError).not.toHaveProperty('bug');
  expect(record.dueAt).toBeGreaterThanOrEqual(plus(world.clock.now(), seconds(1)));
});
