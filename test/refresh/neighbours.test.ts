import { expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { ELSEWHERE, named, neighbourhood, SAME } from '../kit/neighbourhood.ts';
import { answer } from '../kit/vendor.ts';

/** No honest token expires because of what its neighbours do. */

const fails = () => answer('', 503);
const isBusy = () => answer('', 429, { 'retry-after': '3600' });
const grantsForAMinute = () => answer({ access_token: 'made-up', token_type: 'Bearer', expires_in: 60 });

it.each([
  ['fails', 'another host', ELSEWHERE, fails],
  ['asks for an hour’s pause', 'another host', ELSEWHERE, isBusy],
  ['grants for a minute', 'another host', ELSEWHERE, grantsForAMinute],
  ['fails', 'the same host', SAME, fails],
])('20 connections whose provider %s, at %s, cost no honest token', async (_, __, baseUrl, reply) => {
  for (const packed of [false, true]) {
    const { ids, hostileCalls, join, watch, refused } = await neighbourhood(20);
    await watch(minutes(10), []);
    await join(named('c', 20), { baseUrl, packed }, reply);
    expect(await watch(hours(2), ids)).toBe(0);
    expect(hostileCalls()).toBeGreaterThan(20);
    expect(refused()).toBe(0);
  }
});

it('hundreds of connections that are new every few minutes, and never work, cost no honest token', async () => {
  const { ids, hostileCalls, join, watch } = await neighbourhood(100);
  await watch(minutes(30), []);
  let without = 0;
  for (let round = 0; round < 5; round += 1) {
    await join(named(`${round}`, 60), { baseUrl: SAME, packed: true });
    without += await watch(minutes(10), ids);
  }
  expect(without).toBe(0);
  expect(hostileCalls()).toBeGreaterThan(50);
});

it.each([3, 30])('%i connections that are forced every second cost none of a hundred others its token', async count => {
  const { ids, force, watch, refused } = await neighbourhood(100 + count);
  await watch(minutes(45), []);
  const forced = force(ids.slice(0, count));
  expect(await watch(hours(1), ids.slice(count))).toBe(0);
  expect(forced()).toBeGreaterThan(50);
  expect(refused()).toBe(0);
});
