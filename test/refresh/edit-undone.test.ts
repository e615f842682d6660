import { expect, it } from 'vitest';
import { isObject } from '../../lib/core/json.ts';
import { hours, minutes } from '../../lib/core/types.ts';
import { crashAt } from '../kit/faults.ts';
import { answer, ID, lostAnswer, testProvider, vendorWorld } from '../kit/vendor.ts';

/** A person edits a secret by mistake, and undoes it. Meanwhile the refresh token is not sent, and stays stored. */

const sound = testProvider();
/** A session is bound to the client and to the user, as those of iOFFICE are. */
const provider = testProvider({
  open: secret => {
    const opened = sound.open(secret);
    const { client = '', password = '' } = isObject(secret) ? secret : {};
    return opened.ok
      ? { ok: true, account: { ...opened.account, sessionBinding: `${String(client)} ${String(password)}` } }
      : opened;
  },
});
const SOUND = { code: 'good-1' };

const edited = async (secret: object = SOUND) => {
  const { world, vendor } = await vendorWorld({ provider, secret });
  vendor.grants.length = 0;
  const edit = async (to: object): Promise<void> => {
    await world.edit(ID, to);
    await world.tick(provider.id);
  };
  return { world, vendor, edit };
};

const mistakes: readonly [string, object, readonly string[]][] = [
  ['another client', { ...SOUND, client: 'misspelled' }, []],
  ['a login that is wrong', { password: 'wrong' }, ['password']],
];

it.each(mistakes)('%s, undone after a minute, does not cost the only copy of access', async (_, mistake, grants) => {
  const { world, vendor, edit } = await edited();
  await edit(mistake);
  expect(await world.record(ID)).toMatchObject({ status: 'attention' });
  expect(vendor.grants).toEqual(grants);
  expect(await world.refreshToken(ID)).toBe('refresh-1');
  world.clock.pass(minutes(1));
  await edit(SOUND);
  expect(vendor.grants).toEqual([...grants, 'refresh']);
  await world.run(provider.id, hours(3), minutes(5));
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  expect(vendor.count('code')).toBe(0);
});

it('a login that brings no session leaves the one of the code, which is not redeemed again', async () => {
  const { world, vendor, edit } = await edited();
  vendor.script.push(() => answer({ access_token: 'without', expires_in: 3600 }));
  await edit({ password: 'right' });
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  await edit(SOUND);
  expect(vendor.grants).toEqual(['password', 'refresh']);
  expect(vendor.reused).toBe(0);
});

it('a login that brings a session replaces the one of the code', async () => {
  const { world, edit } = await edited();
  await edit({ password: 'right' });
  expect(await world.refreshToken(ID)).toBe('refresh-2');
});

it.each(mistakes)('a refresh token that a worker may have spent is still in doubt after %s', async (_, mistake) => {
  const { world, vendor, edit } = await edited();
  await crashAt(world, 'after', 'send', () => world.refresh(ID));
  world.clock.pass(minutes(1));
  await edit(mistake);
  vendor.grants.length = 0;
  await edit(SOUND);
  expect(vendor.grants).toEqual([]);
  expect(await world.record(ID)).toMatchObject({ lastError: { code: 'session_in_doubt' }, session: { inDoubt: true } });
});

it('a connection that can log in is tried again soon, even if a session is in doubt', async () => {
  const { world, vendor, edit } = await edited({ password: 'right' });
  await crashAt(world, 'after', 'send', () => world.refresh(ID));
  world.clock.pass(minutes(1));
  vendor.password = 'new';
  vendor.script.push(() => lostAnswer);
  await edit({ password: 'new' });
  expect(await world.record(ID)).toMatchObject({ status: 'failing' });
  await world.run(provider.id, minutes(1), minutes(1));
  expect(await world.record(ID)).toMatchObject({ status: 'healthy' });
  expect(vendor.grants).toEqual(['refresh', 'password', 'password']);
});
