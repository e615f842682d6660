import { describe, expect, it } from 'vitest';
import { minutes, secretVersion } from '../../lib/core/types.ts';
import { type Ending, endingWorld, expectGone } from '../kit/ending.ts';
import { crashAt, failAlways, once } from '../kit/faults.ts';
import { answer, BERGEN, ID, OSLO, packed, SHARED } from '../kit/vendor.ts';

/** A secret is deleted, and another one with its name is created before the first connection has ended. */

const isDown = () => answer('', 503);

const expectEnded = async ({ world, revoked }: Ending, accessToken: string) => {
  await expectGone(world, ID);
  expect(revoked).toEqual(new Set([accessToken, 'refresh-1']));
};

describe.each<[string, (ending: Ending) => Promise<unknown>]>([
  ['between two discoveries', async () => {}],
  ['after the retirement', ({ deleteSecret }) => deleteSecret(ID, 0)],
])('a secret that is replaced %s', (_, meanwhile) => {
  const replaced = async (secret?: unknown) => {
    const ending = await endingWorld();
    const { accessToken } = await ending.world.token(ID);
    await meanwhile(ending);
    await ending.replaceSecret(ID, secret);
    return { ...ending, accessToken };
  };

  it('leaves neither token nor session of the first, and is a connection only then', async () => {
    const ending = await replaced();
    const { world, tick, accessToken } = ending;
    for (const _ of ['marks it', 'waits']) expect(await world.discover()).toMatchObject({ revived: [], changed: [] });
    await tick();
    await expectEnded(ending, accessToken);
    expect(await world.discover()).toMatchObject({ revived: [ID], removed: [] });
    await tick();
    expect(await world.record(ID)).toMatchObject({ status: 'attention', lastError: { code: 'invalid_grant' } });
    await expectEnded(ending, accessToken);
  });

  it('is another connection, even if its writer chooses the version id of the first', async () => {
    const ending = await replaced();
    const { world, tick, accessToken } = ending;
    const { discoveredVersion: before = secretVersion('') } = await world.record(ID);
    await world.stores.secrets.put(`token-refresher/${ID}`, '{"password":"of another"}', before);
    await world.discover();
    await tick();
    await expectEnded(ending, accessToken);
  });

  it('has its own token a few minutes later', async () => {
    const { world, accessToken } = await replaced({ password: 'right' });
    await world.minutes(2);
    expect((await world.token(ID)).accessToken).not.toBe(accessToken);
    expect(await world.refreshToken(ID)).toBe('refresh-2');
    expect(await world.discover()).toMatchObject({ revived: [], changed: [], retired: [], read: 0 });
  });

  it('waits at most five minutes for a provider that does not revoke, with a try each minute', async () => {
    const { world, revocations, answers } = await replaced({ password: 'right' });
    answers(isDown);
    const from = world.clock.now();
    for (let minute = 0; minute < 10; minute += 1) {
      await world.minutes(1);
      if (minute < 6) expect(await world.stores.tokens.get(ID)).toBeUndefined();
    }
    const times = revocations.filter(({ token }) => token === 'refresh-1').map(({ at }) => at - from);
    expect(times).toEqual([0, 1, 2, 3, 4, 5].map(minutes));
    expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
    expect(await world.refreshToken(ID)).toBe('refresh-2');
  });

  it('is not revived while late writes have to be removed', async () => {
    const { world, tick } = await replaced();
    await world.discover();
    await tick();
    once(world, 'before', 'connections.revive', async () => {
      const at = world.clock.now();
      await world.stores.connections.beginEnd(ID, { at, dueAt: at });
    });
    await world.discover();
    expect(await world.record(ID)).toMatchObject({ retiredAt: expect.anything() });
    await world.discover();
    expect(await world.record(ID)).toMatchObject({ retiredAt: expect.anything() });
    await tick();
    expect(await world.discover()).toMatchObject({ revived: [ID] });
  });

  it('ends the first only once no worker can hold it', async () => {
    const ending = await endingWorld();
    const { world, tick, revoked } = ending;
    await crashAt(world, 'before', 'tokens.publish', () => world.refresh(ID));
    await meanwhile(ending);
    await ending.replaceSecret();
    await world.discover();
    await tick();
    expect(await world.discover()).toMatchObject({ revived: [] });
    world.clock.pass(minutes(1));
    await tick();
    expect(revoked).toContain('refresh-2');
    expect(await world.discover()).toMatchObject({ revived: [ID] });
  });
});

it('a connection that waited long for its provider does not keep another secret waiting for as long', async () => {
  const { world, answers, deleteSecret, replaceSecret } = await endingWorld();
  answers(isDown);
  await deleteSecret();
  await world.minutes(180);
  await replaceSecret(ID, { password: 'right' });
  await world.minutes(8);
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
});

describe('a secret of many that is replaced', () => {
  const many = async () => {
    const ending = await endingWorld();
    await ending.world.edit(SHARED, packed(['oslo', 'bergen']));
    await ending.tick();
    return ending;
  };

  it('ends all that it held, the keys too that the new one has', async () => {
    const { world, tick, replaceSecret } = await many();
    await replaceSecret(OSLO, packed(['oslo', 'stavanger']));
    expect((await world.discover()).retired.toSorted()).toEqual([BERGEN, OSLO]);
    await tick();
    for (const id of [OSLO, BERGEN]) {
      await expectGone(world, id);
    }
    expect(await world.discover()).toMatchObject({ revived: [OSLO], changed: [], read: 1 });
    expect(await world.discover()).toMatchObject({ connections: 3, revived: [], read: 0 });
  });

  it('is not read again: it cannot come back', async () => {
    const { world, replaceSecret } = await many();
    await replaceSecret(OSLO, packed(['stavanger']));
    await world.discover();
    expect(await world.discover()).toMatchObject({ read: 0 });
  });

  it('has its key yet if the store did not take it for an hour', async () => {
    const { world, tick, replaceSecret } = await many();
    await replaceSecret(OSLO, packed(['oslo', 'stavanger']));
    await world.discover();
    await tick();
    failAlways(world, 'before', 'connections.revive');
    for (let minute = 0; minute < 65; minute += 1) {
      expect((await world.discover()).removed).not.toContain(OSLO);
      world.clock.pass(minutes(1));
    }
    delete world.hooks.before;
    expect(await world.discover()).toMatchObject({ revived: [OSLO] });
  });

  it('by one with too many keys is not held', async () => {
    const { world, tick, replaceSecret } = await many();
    await replaceSecret(OSLO, packed(['oslo', 'bergen', ...Array.from({ length: 200 }, (_, n) => `k${n}`)]));
    const report = await world.discover();
    expect(report).toMatchObject({ problems: [{ code: 'too_many_connections' }] });
    expect(report.retired.toSorted()).toEqual([BERGEN, OSLO]);
    await tick();
    expect(await world.stores.tokens.get(OSLO)).toBeUndefined();
    expect(await world.discover()).toMatchObject({ revived: [], added: [] });
  });
});
