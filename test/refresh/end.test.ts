import { describe, expect, it } from 'vitest';
import type { HttpReply } from '../../lib/core/provider.ts';
import { hours, minutes } from '../../lib/core/types.ts';
import { endingWorld, expectGone } from '../kit/ending.ts';
import { always, crashAt, failOnce } from '../kit/faults.ts';
import { idOf } from '../kit/records.ts';
import { answer, ID, lostAnswer } from '../kit/vendor.ts';

const isDown = () => answer('', 503);
const refused: HttpReply = { kind: 'failed', code: 'network', sent: false };

describe('the end of a connection', () => {
  it('withdraws its token before it calls the provider, and revokes token and session', async () => {
    const { world, revoked, end } = await endingWorld();
    let readable: unknown = 'not read';
    const { accessToken } = await world.token(ID);
    always(world, 'before', 'send', async () => {
      readable = await world.stores.tokens.get(ID);
    });
    await end();
    expect(readable).toBeUndefined();
    expect(revoked).toEqual(new Set([accessToken, 'refresh-1']));
    expect(await world.stores.sessions.get(ID)).toBeUndefined();
    expect(world.retired).toEqual([`${ID} ended`]);
  });

  it('revokes the session of a connection that has no token any more', async () => {
    const { world, revoked, end } = await endingWorld();
    const { version } = await world.token(ID);
    await world.stores.tokens.withdraw(ID, version);
    await end();
    expect(revoked).toEqual(new Set(['refresh-1']));
  });

  it('revokes at the address that issued them, wherever consumers send the token', async () => {
    const { world, revocations, end } = await endingWorld();
    const { baseUrl } = await world.token(ID);
    expect(baseUrl).toBe('https://api.test');
    await end();
    expect(revocations.map(({ url }) => url)).toEqual(Array(2).fill('https://login.test/revoke'));
  });

  it.each([
    ['goes to the address of the session that came with it', true],
    ['is not sent if that session is not there: its address is unknown', false],
  ])('the token of a run that never settled %s', async (_, hasSession) => {
    const { world, revoked, tick, end } = await endingWorld();
    await crashAt(world, 'after', 'tokens.publish', tick);
    const { accessToken, version } = await world.token(ID);
    if (!hasSession) await world.stores.sessions.forget(ID, version);
    await end();
    expect([...revoked]).toEqual(hasSession ? [accessToken, 'refresh-2'] : []);
    expect(await world.stores.tokens.get(ID)).toBeUndefined();
  });

  it.each([200, 204, 400, 401, 404])('has no session left once the provider answers %i', async status => {
    const { world, answers, end } = await endingWorld();
    answers(() => answer('', status));
    await end();
    expect(world.retired).toEqual([`${ID} ended`]);
    await expectGone(world, ID);
  });
});

describe('a revocation that fails', () => {
  it('is repeated with growing pauses, at last once a day, until the provider answers', async () => {
    const { world, revocations, answers, deleteSecret, tick } = await endingWorld();
    answers(isDown);
    await deleteSecret();
    const from = world.clock.now();
    for (let minute = 0; minute < 5 * 24 * 60; minute += 1) {
      await tick();
      world.clock.pass(minutes(1));
      await world.discover();
    }
    const times = revocations.filter(({ token }) => token === 'refresh-1').map(({ at }) => at - from);
    const pauses = times.slice(1).map((at, n) => at - (times[n] ?? 0));
    expect(pauses.slice(0, 6)).toEqual([1, 1, 2, 4, 8, 16].map(minutes));
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(Math.max(...pauses)).toBe(hours(24));
    answers(() => answer('{}'));
    world.clock.pass(hours(24));
    await tick();
    await world.discover();
    expect(world.retired.at(-1)).toBe(`${ID} ended`);
    expect(await world.stores.sessions.get(ID)).toBeUndefined();
    expect(await world.stores.connections.get(ID)).toBeUndefined();
  });

  it.each([
    ['is down', isDown],
    ['breaks', () => answer('', 500)],
    ['asks for patience', () => answer('', 429)],
    ['redirects', () => answer('', 302)],
    ['waited too long for the request', () => answer('', 408)],
    ['does not answer', () => lostAnswer],
    ['is out of reach', () => refused],
  ])('because the provider %s succeeds later, without the published token', async (_, first) => {
    const { world, revoked, answers, deleteSecret, tick } = await endingWorld();
    answers(first);
    await deleteSecret();
    for (let n = 0; n < 3; n += 1) {
      await tick();
      expect(await world.stores.tokens.get(ID)).toBeUndefined();
      expect(await world.refreshToken(ID)).toBe('refresh-1');
      world.clock.set((await world.record(ID)).dueAt);
    }
    answers(() => answer('{}'));
    await tick();
    expect(revoked).toEqual(new Set(['refresh-1']));
    expect(world.retired).toEqual([...Array(3).fill(`${ID} later`), `${ID} ended`]);
    expect(await world.stores.sessions.get(ID)).toBeUndefined();
  });
});

describe('one retirement that fails', () => {
  const ids = ['one', 'two', 'three'].map(name => idOf(name));
  const retiring = async () => {
    const ending = await endingWorld();
    for (const id of ids) await ending.world.add(id, { password: 'right' });
    await ending.tick();
    for (const id of ids) await ending.deleteSecret(id);
    return ending;
  };
  const ended = (retired: readonly string[]) => retired.filter(each => each.endsWith(' ended')).length;

  it.each(['tokens.get', 'tokens.withdraw', 'sessions.get', 'sessions.forget', 'connections.end'])(
    'because the store fails before %s stops no other in the same sweep, and ends with the next',
    async operation => {
      const { world, tick } = await retiring();
      failOnce(world, 'before', operation);
      await tick();
      expect(ended(world.retired)).toBe(2);
      expect(world.unclaimed).toHaveLength(1);
      world.clock.pass(minutes(5));
      await tick();
      expect(ended(world.retired)).toBe(3);
      for (const id of ids) {
        await expectGone(world, id);
      }
    },
  );

  it('at the provider stops no other in the same sweep', async () => {
    const { world, answers, tick } = await retiring();
    const hardOne = await world.refreshToken(idOf('one'));
    answers(token => (token === hardOne ? answer('', 503) : answer('{}')));
    await tick();
    expect(world.retired.toSorted()).toEqual([
      `${idOf('one')} later`,
      `${idOf('three')} ended`,
      `${idOf('two')} ended`,
    ]);
  });

  it('stops no refresh of the same sweep', async () => {
    const { world, answers, tick } = await retiring();
    answers(isDown);
    world.clock.set((await world.record(ID)).dueAt);
    expect(await tick()).toMatchObject({ results: { refreshed: 1 } });
  });

  it.each(['tokens.withdraw', 'connections.remove'])('before %s stops no other in a discovery', async operation => {
    const { world, tick } = await retiring();
    await tick();
    world.clock.pass(hours(1));
    failOnce(world, 'before', operation);
    const report = await world.discover();
    expect(report.removed).toHaveLength(2);
    expect(report.failures).toEqual([{ connection: expect.any(String), code: 'store_failed' }]);
    expect((await world.discover()).removed).toHaveLength(1);
  });
});
