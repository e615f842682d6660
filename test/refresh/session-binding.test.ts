import { describe, expect, it } from 'vitest';
import { GRACE } from '../../lib/core/retirement.ts';
import { hours } from '../../lib/core/types.ts';
import { type Mood, moods, openedAccount, victimAndHostileHost, withSessions } from '../kit/hostile-host.ts';

/** A refresh token is only sent to the host that issued it, by the client that got it. */

const everyMood = Object.keys(moods) as readonly Mood[];
const shapes = [
  ['a secret', false],
  ['a key of a packed secret', true],
] as const;
const rows = withSessions.flatMap(provider => shapes.map(([shape, packed]) => ({ provider, shape, packed })));

describe.each(shapes)('%s of iOFFICE gets a new base URL and any code', (_, packed) => {
  it.each(everyMood)('does not send the refresh token of the old host to the new one, which %s', async mood => {
    for (const byCode of [false, true]) {
      const victim = await victimAndHostileHost('ioffice', { packed, mood, byCode });
      const { username: _user, password: _password, ...fields } = victim.fields;
      await victim.write({ ...fields, baseUrl: victim.hostileUrl, authorizationCode: 'any' });
      await victim.goOn();
      expect(victim.received.some(({ headers }) => headers['x-auth-code'] === 'any')).toBe(true);
      expect(victim.leaked()).toEqual([]);
    }
  });
});

type Victim = Awaited<ReturnType<typeof victimAndHostileHost>>;
type Meanwhile = (victim: Victim, provider: string) => Promise<unknown>;
const retires: Meanwhile = ({ world }) => world.discover();
const ends: Meanwhile = async (victim, provider) => {
  await retires(victim, provider);
  victim.world.clock.pass(GRACE);
  await victim.world.tick(provider);
};
const isForgotten: Meanwhile = async (victim, provider) => {
  await ends(victim, provider);
  victim.world.clock.pass(hours(2));
  await victim.world.discover();
};
/** What happens between the end of the old secret and the new one of its name. */
const meanwhile: Readonly<Record<string, Meanwhile>> = {
  'that nobody missed': async () => {},
  'that is retired': retires,
  'that has ended': ends,
  'that is forgotten': isForgotten,
};

describe.each(rows)('$shape of $provider', ({ provider, packed }) => {
  describe.each(Object.keys(meanwhile))('that takes over the name of one %s', which => {
    const takenOver = async (end: 'erase' | 'leave', keepsVersion: boolean, change: (victim: Victim) => object) => {
      const victim = await victimAndHostileHost(provider, { packed });
      await victim[end]();
      await meanwhile[which]?.(victim, provider);
      await victim.write({ ...victim.fields, ...change(victim) }, keepsVersion ? victim.version : undefined);
      await victim.goOn();
      return victim;
    };
    const ways = [
      ['erased', 'erase', false],
      ['erased, with its version id', 'erase', true],
      ['removed or deleted', 'leave', false],
      ['removed or deleted, with its version id', 'leave', true],
    ] as const;

    it.each(ways)('(%s) gets no refresh token to its own host', async (_, end, keepsVersion) => {
      const victim = await takenOver(end, keepsVersion, ({ hostileUrl }) => ({ baseUrl: hostileUrl }));
      expect(victim.received.length).toBeGreaterThan(0);
      expect(victim.leaked()).toEqual([]);
    });

    // A secret that comes back within the grace period is the same secret, and its session continues.
    const ended = which === 'that has ended' || which === 'that is forgotten';
    const others = ways.filter(([, end]) => end === 'erase' || ended);
    it.each(others)('(%s) gets no token out of the session of the other', async (_, end, keepsVersion) => {
      const victim = await takenOver(end, keepsVersion, () => ({}));
      expect(victim.world.calls.length).toBeGreaterThan(0);
      expect(victim.used()).toEqual([]);
    });
  });

  describe('whose writer gives a new value the version id of the old one', () => {
    it.each(everyMood)('sends no refresh token to another base URL, whose host %s', async mood => {
      const victim = await victimAndHostileHost(provider, { packed, mood });
      await victim.write({ ...victim.fields, baseUrl: victim.hostileUrl }, victim.version);
      await victim.goOn();
      expect(victim.received.length).toBeGreaterThan(0);
      expect(victim.leaked()).toEqual([]);
    });

    it('sends no refresh token for another client', async () => {
      const { fields } = await victimAndHostileHost(provider, { packed });
      const { sessionBinding } = openedAccount(provider, fields);
      const ofTheClient = Object.keys(fields).filter(
        field =>
          field !== 'baseUrl' &&
          openedAccount(provider, { ...fields, [field]: 'another' }).sessionBinding !== sessionBinding,
      );
      expect(ofTheClient).not.toEqual([]);
      for (const field of ofTheClient) {
        const victim = await victimAndHostileHost(provider, { packed });
        await victim.write({ ...victim.fields, [field]: 'another' }, victim.version);
        await victim.goOn();
        expect(victim.world.calls.length).toBeGreaterThan(0);
        expect([field, victim.used()]).toEqual([field, []]);
      }
    });
  });
});
