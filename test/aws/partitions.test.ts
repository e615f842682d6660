import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toItem } from '../../lib/aws/item.ts';
import { limitShard } from '../../lib/aws/keys.ts';
import { allShards } from '../../lib/core/shard.ts';
import { hours, minutes, plus, version } from '../../lib/core/types.ts';
import { type AwsStores, awsStores } from '../kit/aws.ts';
import { type EmbeddedOnPort, startEmbeddedOnPort } from '../kit/embedded.ts';
import { connectionOf, idOf, START, sessionOf } from '../kit/records.ts';

let embedded: EmbeddedOnPort;
let stores: AwsStores;
beforeAll(async () => {
  embedded = await startEmbeddedOnPort();
  stores = await awsStores({ endpoint: embedded.endpoint });
});
afterAll(() => embedded.close());

const state = { bookings: [{ at: START, scheduled: 1, minority: 0 }], writtenAt: START };

it('a list of connections meets no session, rate limit, login or key', async () => {
  const { connections, sessions, limits, logins, broken } = stores;
  const ids = Array.from({ length: 20 }, (_, n) => idOf(`connection-${n}`));
  await Promise.all(ids.map(id => connections.add(connectionOf(id))));
  await Promise.all(ids.map(id => sessions.keep(id, version(1), sessionOf())));
  await Promise.all(ids.map(id => limits.write(`test-provider#limit-${id}`, state, 0)));
  await Promise.all(
    ids.map(id => logins.take(`test-provider#login-${id}`, { id: 'try', at: START, until: plus(START, minutes(1)) })),
  );
  await logins.key('test-provider', 'key');
  const listed = await Promise.all(allShards.map(shard => connections.list('test-provider', shard)));
  expect(new Set(listed.flat().map(({ connection }) => connection))).toEqual(new Set(ids));
  expect(broken).toEqual([]);
});

it('a rate limit is deleted a day after its last slot', async () => {
  const key = 'test-provider#removed';
  const last = plus(START, hours(2));
  await stores.limits.write(
    key,
    { ...state, bookings: [...state.bookings, { at: last, scheduled: 1, minority: 0 }] },
    0,
  );
  const Key = toItem({ shard: limitShard('test-provider'), connection: key });
  const { Item } = await stores.clients.dynamodb.send(
    new GetItemCommand({ TableName: stores.tables.connections, Key }),
  );
  expect(Item?.removeAt?.N).toBe(String(plus(last, hours(24)) / 1000));
});
