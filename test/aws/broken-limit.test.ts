import { PutItemCommand, type PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toItem } from '../../lib/aws/item.ts';
import { limitShard } from '../../lib/aws/keys.ts';
import type { LimitState } from '../../lib/core/rate-limit.ts';
import { minutes, plus, seconds } from '../../lib/core/types.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import { type AwsStores, awsStores } from '../kit/aws.ts';
import { type EmbeddedOnPort, startEmbeddedOnPort } from '../kit/embedded.ts';
import { START } from '../kit/records.ts';

let embedded: EmbeddedOnPort;
let stores: AwsStores;
beforeAll(async () => {
  embedded = await startEmbeddedOnPort();
  stores = await awsStores({ endpoint: embedded.endpoint });
});
afterAll(() => embedded.close());

const YEAR_9999 = 253_402_300_799_000;
const limit = { calls: 5, per: minutes(1) };
const state: LimitState = { bookings: [], writtenAt: START };
const full = [{ at: START, scheduled: 5, minority: 0 }];

const stored = async (key: string, item: object): Promise<void> => {
  const Item = { ...toItem(item), ...toItem({ shard: limitShard('test-provider'), connection: key }) };
  await stores.clients.dynamodb.send(new PutItemCommand({ TableName: stores.tables.connections, Item }));
};
/** A separate process that has not seen the limit yet. */
const reserve = (key: string, now = START) =>
  leasingRateLimiter(stores.limits, { now: () => now }).reserve(key, limit, {
    lane: 'scheduled',
    until: plus(now, seconds(5)),
  });

describe('an item of a rate limit that cannot be read', () => {
  it.each<[string, object]>([
    ['no state', { revision: 7 }],
    ['a state of another type', { state: 'x', revision: 7 }],
    ['no bookings', { state: { writtenAt: START }, revision: 7 }],
    ['a moment with a fraction', { state: { ...state, bookings: [{ ...full[0], at: 0.5 }] }, revision: 7 }],
    ['a moment at the end of numbers', { state: { ...state, writtenAt: Number.MAX_SAFE_INTEGER }, revision: 7 }],
    ['no revision', { state: { ...state, bookings: full } }],
    ['a revision that is a text', { state, revision: '7' }],
    ['a revision that is a list', { state, revision: [7] }],
    ['a revision of nothing', { state, revision: null }],
    ['a revision with a fraction', { state, revision: 7.5 }],
    ['a revision below the first', { state, revision: 0 }],
    ['a revision at the end of numbers', { state, revision: Number.MAX_SAFE_INTEGER }],
    ['nothing of its own', {}],
  ])('counts as unused if it has %s, and is replaced', async (what, item) => {
    const key = `test-provider#${what}`;
    await stored(key, item);
    expect(await reserve(key)).toEqual({ ok: true, at: START });
    const kept = await stores.limits.write(key, state, 0);
    expect(kept?.revision).toBeGreaterThan(0);
    expect(kept?.state.bookings).toEqual([{ at: START, scheduled: 1, minority: 0 }]);
  });

  it('with a revision of more digits than numbers have here', async () => {
    const key = 'test-provider#digits';
    const Item = {
      ...toItem({ state, shard: limitShard('test-provider'), connection: key }),
      revision: { N: '7.12345678901234567890123456789' },
    };
    await stores.clients.dynamodb.send(new PutItemCommand({ TableName: stores.tables.connections, Item }));
    expect(await reserve(key)).toEqual({ ok: true, at: START });
  });

  it('is replaced by one of many that meet it: together they book no more than the limit', async () => {
    const key = 'test-provider#many';
    await stored(key, { state });
    const answers = await Promise.all(Array.from({ length: 8 }, () => reserve(key)));
    expect(answers.filter(({ ok }) => ok).length).toBeLessThanOrEqual(limit.calls);
    expect(answers.some(({ ok }) => ok)).toBe(true);
  });
});

/*
 * Two processes meet the same item that cannot be read:
 *
 *   A   meets it ........................................... replaces it: too late, another state is there
 *   B   meets it, replaces it, books a call
 */
it('a state that replaced a broken one meanwhile is not replaced', async () => {
  const key = 'test-provider#meanwhile';
  await stored(key, { state });
  let others = 0;
  stores.clients.dynamodb.middlewareStack.add(
    next => async args => {
      const { Item, ConditionExpression = '' } = args.input as PutItemCommandInput;
      const replaces = Item?.revision?.N === '1' && ConditionExpression !== 'attribute_not_exists(#connection)';
      if (replaces && others++ === 0) await reserve(key);
      return next(args);
    },
    { step: 'initialize', name: 'meanwhile' },
  );
  await stores.limits.write(key, state, 5);
  stores.clients.dynamodb.middlewareStack.remove('meanwhile');
  expect(others).toBeGreaterThan(0);
  expect((await stores.limits.write(key, state, 0))?.state.bookings).toEqual([
    { at: START, scheduled: 1, minority: 0 },
  ]);
});

describe('a state that no process could have written', () => {
  it.each<[string, Partial<LimitState>]>([
    ['a pause', { pausedUntil: plus(START, YEAR_9999 - START) }],
    ['bookings', { bookings: [{ at: plus(START, YEAR_9999 - START), scheduled: 5, minority: 0 }] }],
  ])('with %s until the year 9999 holds up calls for a minute', async (what, part) => {
    const key = `test-provider#far ${what}`;
    await stored(key, { state: { ...state, ...part }, revision: 7 });
    const first = await reserve(key);
    expect(first).toMatchObject({ ok: false });
    // Nothing is written while there is no slot: it has to pass by itself.
    expect(await reserve(key, plus(START, seconds(61)))).toMatchObject({ ok: true });
  });
});
