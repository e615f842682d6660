import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { minutes, plus, version } from '../../lib/core/types.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import { type AwsStores, awsStores } from '../kit/aws.ts';
import { type EmbeddedOnPort, startEmbeddedOnPort } from '../kit/embedded.ts';
import { type LossyProxy, startLossyProxy } from '../kit/proxy.ts';
import { connectionOf, idOf, START, sessionOf, tokenFor } from '../kit/records.ts';

/*
 * The SDK repeats a request whose answer it did not get. A conditional write then meets its own first try:
 *
 *   try 1   condition holds, written ... answer lost
 *   try 2   condition fails: "someone" has written
 */
describe('a write whose answer is lost', () => {
  let embedded: EmbeddedOnPort;
  let proxy: LossyProxy;
  let stores: AwsStores;

  beforeAll(async () => {
    embedded = await startEmbeddedOnPort();
    proxy = await startLossyProxy(embedded.endpoint);
    stores = await awsStores({ endpoint: proxy.endpoint });
  });
  afterAll(async () => {
    proxy.close();
    await embedded.close();
  });
  beforeEach(() => {
    proxy.seen.length = 0;
  });

  const leaseUntil = plus(START, minutes(2));
  const settlement = { status: 'healthy', dueAt: plus(START, minutes(5)), failures: 0 } as const;

  it('publishes a token', async () => {
    const token = tokenFor(idOf('publish'));
    proxy.loseAnswerOf('PutItem');
    expect(await stores.tokens.publish(token)).toBe(true);
    expect(proxy.seen).toEqual(['PutItem', 'PutItem', 'GetItem']);
    expect(await stores.tokens.get(token.connection)).toEqual(token);
  });

  it('does not publish a token if a newer one came in between', async () => {
    const token = tokenFor(idOf('publish-late'), { version: version(2) });
    const newer = { ...token, version: version(3), accessToken: 'newer' };
    proxy.loseAnswerOf('PutItem', () => stores.tokens.publish(newer));
    expect(await stores.tokens.publish(token)).toBe(false);
    expect(await stores.tokens.get(token.connection)).toEqual(newer);
  });

  it('claims a connection, with the claim that is there', async () => {
    const seen = connectionOf(idOf('claim'));
    await stores.connections.add(seen);
    proxy.seen.length = 0;
    proxy.loseAnswerOf('UpdateItem');
    const mine = await stores.connections.claim(seen, { id: 'mine', leaseUntil });
    expect(mine).toEqual({ ...seen, version: 1, dueAt: leaseUntil, leaseUntil });
    expect(proxy.seen).toEqual(['UpdateItem', 'UpdateItem', 'GetItem']);
  });

  it('keeps a session, and settles a run', async () => {
    const seen = connectionOf(idOf('keep'));
    await stores.connections.add(seen);
    await stores.connections.claim(seen, { id: 'mine', leaseUntil });
    proxy.loseAnswerOf('PutItem');
    expect(await stores.sessions.keep(seen.connection, version(1), sessionOf())).toBe(true);
    proxy.loseAnswerOf('UpdateItem');
    expect(await stores.connections.settle(seen.connection, version(1), settlement)).toBe(true);
    expect(await stores.connections.get(seen.connection)).toMatchObject({ version: 1, ...settlement });
  });

  it('does not keep a session if a newer one came in between', async () => {
    const id = idOf('keep-late');
    const newer = sessionOf({ refreshToken: 'newer' });
    proxy.loseAnswerOf('PutItem', () => stores.sessions.keep(id, version(2), newer));
    expect(await stores.sessions.keep(id, version(1), sessionOf())).toBe(false);
    expect(await stores.sessions.get(id)).toEqual({ version: 2, session: newer });
  });

  it('is a slot booked twice rather than not at all', async () => {
    const limit = { calls: 2, per: minutes(1) };
    const limiter = leasingRateLimiter(stores.limits, { now: () => START });
    const request = { lane: 'minority', until: START } as const;
    proxy.loseAnswerOf('PutItem');
    expect(await limiter.reserve('lost#key', limit, request)).toMatchObject({ ok: false });
    expect(
      await leasingRateLimiter(stores.limits, { now: () => START }).reserve('lost#key', limit, request),
    ).toMatchObject({
      ok: false,
    });
  });
});
