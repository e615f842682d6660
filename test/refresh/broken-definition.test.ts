import { describe, expect, it } from 'vitest';
import type { Account, HttpRequest, Provider } from '../../lib/core/provider.ts';
import { minutes, plus, seconds } from '../../lib/core/types.ts';
import { always } from '../kit/faults.ts';
import { idOf } from '../kit/records.ts';
import { answer, ID, lostAnswer, testProvider, vendorWorld } from '../kit/vendor.ts';

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
  expect(vendor.grants.length).toBe(name === 'logIn' ? 0 : 1);

  const record = await world.record(ID);
  expect(record).toMatchObject({ status: 'failing', failures: 1, lastError: { code: 'internal_error', times: 1 } });
  expect(record).not.toHaveProperty('leaseUntil');
  expect(record.lastError).not.toHaveProperty('bug');
  expect(record.dueAt).toBeGreaterThanOrEqual(plus(world.clock.now(), seconds(1)));
});

const everywhere: typeof rows = [...rows, ['open', { open: broken }, {}], ['fault', { fault: broken }, {}]];

it.each(everywhere)(
  'a bug in `%s` is met less and less often, and no claim or commit counts as failed',
  async (...row) => {
    const [, change, abilities] = row;
    const { world, vendor } = await vendorWorld({ provider: testProvider(change, abilities), refreshed: false });
    vendor.script.push(...Array.from({ length: 100 }, () => () => answer({ error: 'invalid_request' }, 418)));
    if (change.fault === undefined) vendor.script.length = 0;
    const deps = { ...world.worker(), random: () => 1 };
    const pauses: number[] = [];
    for (let failures = 1; failures <= 7; failures += 1) {
      const report = await world.tick('test-provider', deps);
      expect(report).toMatchObject({ claimsFailed: 0, commitsFailed: 0, results: { failed: 1 } });
      const { dueAt, ...record } = await world.record(ID);
      expect(record).toMatchObject({ failures, lastError: { code: 'internal_error', times: failures } });
      pauses.push(dueAt - world.clock.now());
      expect(await world.tick('test-provider', deps)).toMatchObject({ due: 0 });
      world.clock.set(dueAt);
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 300, 300].map(seconds));
    expect(world.unclaimed).toEqual([]);
  },
);

describe('a bug behind a refresh grant', () => {
  let buggy = false;
  const next = async (provider: Provider, lost: boolean) => {
    const { world, vendor } = await vendorWorld({ provider });
    const spent: (typeof vendor.script)[number] = request => {
      vendor.answer(JSON.parse(request.body ?? ''));
      return lostAnswer;
    };
    if (lost) vendor.script.push(spent);
    buggy = true;
    expect(await world.refresh(ID)).toMatchObject({ result: 'failed', error: { code: 'internal_error' } });
    buggy = false;
    expect(await world.refresh(ID)).toMatchObject({ result: 'refreshed' });
    return vendor.reused;
  };

  it('in reading its answer prevents any reuse of the refresh token', async () => {
    expect(await next(testProvider({ sessionEnds: () => (buggy ? broken() : undefined) }), false)).toBe(0);
  });

  it('in the login after a lost answer prevents any reuse of the refresh token', async () => {
    const logIn = (): HttpRequest =>
      buggy ? broken() : { method: 'POST', url: 'https://login.test', headers: {}, body: '{"password":"right"}' };
    expect(await next(testProvider({}, { logIn }), true)).toBe(0);
  });
});

it('a bug in `open` does not count as a failed claim if a rate limit is used up', async () => {
  let buggy = false;
  const sound = testProvider();
  const open: Provider['open'] = secret => (buggy ? broken() : sound.open(secret));
  const provider = testProvider({ rateLimit: { calls: 1, per: minutes(1) }, concurrency: 1, open });
  const { world } = await vendorWorld({ provider, refreshed: false });
  for (let n = 0; n < 8; n += 1) await world.add(idOf(`c${n}`), { password: 'right' });
  always(world, 'after', 'connections.settle', () => {
    buggy = world.reports.some(({ result }) => result === 'postponed');
  });
  expect(await world.tick('test-provider')).toMatchObject({ claimsFailed: 0, commitsFailed: 0 });
  expect(world.unclaimed).toEqual([]);
});
