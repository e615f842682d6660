import { expect, it } from 'vitest';
import { hours, minutes } from '../../lib/core/types.ts';
import { builtIn } from '../../lib/providers/index.ts';
import { testClock } from '../kit/clock.ts';
import { answer } from '../kit/vendor.ts';
import { World } from '../kit/world.ts';
import { Locks } from './locks.ts';

const powerepos = builtIn('powerepos');

const login = (username: string) => ({
  ...({ method: 'POST', url: 'https://auth.powerepos.cloud/authorisation/token', headers: {} } as const),
  body: String(new URLSearchParams({ grant_type: 'password', username, password: 'p' })),
});
const [right, wrong] = [() => granted('ORG'), () => answer({ error: 'invalid_grant' }, 401)] as const;
const granted = (org_id: string) =>
  answer({ access_token: 'a', refresh_token: 'r', expires_in: 28_800, svc: 'https://x.powerepos.cloud/', org_id });
const asAnswer = <T extends { kind: string }>(reply: T) => reply as Extract<T, { kind: 'answer' }>;

it('locks an account after five wrong logins in a row, in any spelling of its user, and no other', () => {
  const locked: string[] = [];
  const clock = testClock();
  const locks = new Locks(clock.now, provider => locked.push(provider));
  const tries = (user: string, reply: () => ReturnType<typeof answer>) =>
    asAnswer(locks.answer('powerepos', login(user), () => asAnswer(reply()))).status;
  for (let n = 0; n < 4; n += 1) tries('svc', wrong);
  expect(tries('svc', right)).toBe(200);
  for (const user of ['svc', 'SVC', ' svc', 'svc']) tries(user, wrong);
  expect(locked).toEqual([]);
  tries('svc', wrong);
  expect(locked).toEqual(['powerepos']);
  expect(tries('svc', right)).toBe(401);
  expect(tries('other', right)).toBe(200);
  clock.pass(minutes(30));
  expect(tries('svc', right)).toBe(200);
});

it.each<[string, boolean, (n: number, round: number) => Record<string, string>]>([
  ['keys are added after the password was changed', true, () => ({})],
  ['a shared field is edited after it', true, (_, round) => ({ scope: `partnerservices offline_access ${round}` })],
  ['each connection has another wrong password', false, n => ({ password: `wrong-${n}` })],
  ['the user is spelled in many ways', false, n => ({ password: 'wrong', username: 'svc'.padEnd(3 + n) })],
])('no account is locked for three days if %s', async (_, hasWorked, fields) => {
  const locked: string[] = [];
  const locks: Locks = new Locks(
    () => world.clock.now(),
    provider => locked.push(provider),
  );
  let password = hasWorked ? 'old' : 'right';
  const world: World = new World([powerepos], request =>
    locks.answer('powerepos', request, () => {
      const form = new URLSearchParams(request.body);
      const isWrong = form.get('grant_type') === 'password' && form.get('password') !== password;
      return asAnswer(isWrong ? wrong() : granted(form.get('org_id') ?? ''));
    }),
  );
  const put = async (count: number, round: number) => {
    const keys = Array.from({ length: count }, (_, n) => [`c${n}`, { orgId: `${n}`, ...fields(n, round) }]);
    const shared = { clientId: 'c', clientSecret: 's', username: 'svc', password: 'old' };
    await world.put('powerepos/many' as never, { ...shared, connections: Object.fromEntries(keys) });
    await world.discover();
    await world.run('powerepos', minutes(10), minutes(1));
  };
  await put(hasWorked ? 10 : 0, 0);
  password = 'right';
  await put(30, 1);
  await world.run('powerepos', hours(72), minutes(5));
  expect(locked).toEqual([]);
});
