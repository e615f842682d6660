import { describe, expect, it } from 'vitest';
import { GRACE } from '../../lib/core/retirement.ts';
import { minutes, plus } from '../../lib/core/types.ts';
import { type Ending, endingWorld } from '../kit/ending.ts';
import { failAlways } from '../kit/faults.ts';
import { answer, ID, lostAnswer, testProvider, vendorWorld } from '../kit/vendor.ts';
import { PREFIX } from '../kit/world.ts';

/** A deletion is undone in time, and discovery does not see it. */

const NAME = `${PREFIX}${ID}`;

const unreadable = ({ world }: Ending) => failAlways(world, 'before', 'secrets.get');
const undone = ({ world }: Ending) => world.stores.secrets.restore(NAME);
const isAsItWas = async ({ world, revoked }: Ending): Promise<void> => {
  expect(revoked).toEqual(new Set());
  expect(await world.stores.tokens.get(ID)).toBeDefined();
  expect(await world.refreshToken(ID)).toBeDefined();
};

describe('a secret that is there again when its connection is about to end', () => {
  it('keeps all it had, although no discovery ran', async () => {
    const given = await endingWorld();
    await given.deleteSecret(ID, minutes(1));
    await undone(given);
    await given.world.run('test-provider', minutes(10), minutes(1));
    await isAsItWas(given);
    expect(await given.world.discover()).toMatchObject({ revived: [ID] });
    expect(await given.tick()).toMatchObject({ results: { refreshed: 1 } });
  });

  it('keeps everything while the secret cannot be read', async () => {
    const given = await endingWorld();
    const { world } = given;
    await given.deleteSecret(ID, minutes(1));
    await undone(given);
    unreadable(given);
    for (let minute = 0; minute < 30; minute += 1) {
      expect((await world.discover()).problems).toEqual([{ secret: NAME, code: 'secret_unreadable' }]);
      await given.tick();
      world.clock.pass(minutes(1));
    }
    await isAsItWas(given);
    delete world.hooks.before;
    expect(await world.discover()).toMatchObject({ revived: [ID] });
  });

  it('keeps all it had if it cannot be understood', async () => {
    const given = await endingWorld();
    await given.deleteSecret();
    await undone(given);
    await given.world.put(ID, '{ "password": ');
    await given.tick();
    await isAsItWas(given);
  });
});

describe('the end of a connection', () => {
  it('comes once the secret can be read again and is gone', async () => {
    const given = await endingWorld();
    await given.deleteSecret();
    unreadable(given);
    await given.tick();
    await isAsItWas(given);
    delete given.world.hooks.before;
    await given.tick();
    expect(await given.world.stores.tokens.get(ID)).toBeUndefined();
    expect(given.world.retired).toEqual([`${ID} ended`]);
  });

  it('continues, once it has begun, although its secret cannot be read', async () => {
    const given = await endingWorld();
    given.answers(() => lostAnswer);
    await given.end();
    unreadable(given);
    given.answers(() => answer('{}'));
    given.world.clock.pass(minutes(1));
    await given.tick();
    expect(given.world.retired).toEqual([`${ID} later`, `${ID} ended`]);
  });

  it('comes at once if another secret has the name, which need not be read', async () => {
    const given = await endingWorld();
    await given.replaceSecret();
    await given.world.discover();
    unreadable(given);
    await given.tick();
    expect(given.world.retired).toEqual([`${ID} ended`]);
  });

  it('is made up for by discovery if another secret has the name, although it cannot be read', async () => {
    const given = await endingWorld();
    await given.replaceSecret();
    await given.world.discover();
    unreadable(given);
    given.world.clock.pass(minutes(11));
    await given.world.discover();
    expect(await given.world.stores.tokens.get(ID)).toBeUndefined();
  });

  it('comes in time if another secret has the name and no discovery saw it', async () => {
    const given = await endingWorld();
    await given.deleteSecret();
    await given.replaceSecret();
    await given.tick();
    expect(given.world.retired).toEqual([`${ID} ended`]);
  });
});

describe.each([
  ['a key', `${ID}/a`, { connections: { a: { password: 'right' }, b: { password: 'right' } } }],
  ['the only connection', ID, { password: 'right' }],
] as const)('%s of a secret', (_, id, whole) => {
  it.each([
    ['whose keys are others now', { connections: { b: { password: 'right' } } }, false],
    ['that holds one connection now', { password: 'right' }, id === ID],
    ['whose keys are not an object', { connections: 'none' }, true],
    ['as it was', whole, true],
  ])('%s: there or gone', async (__, then, stays) => {
    const provider = testProvider();
    const { world } = await vendorWorld({ provider, secret: whole, refreshed: false });
    await world.tick(provider.id);
    const connection = id as typeof ID;
    const { version } = await world.record(connection);
    await world.stores.connections.retire(connection, world.clock.now());
    await world.put(ID, then);
    world.clock.set(plus(world.clock.now(), GRACE));
    await world.tick(provider.id);
    expect(await world.record(connection)).toMatchObject({ version, retiredAt: expect.any(Number) });
    expect((await world.stores.tokens.get(connection)) !== undefined).toBe(stays);
  });
});
