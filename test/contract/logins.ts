import { describe, expect, it } from 'vitest';
import type { LoginState } from '../../lib/core/login.ts';
import { plus, seconds } from '../../lib/core/types.ts';
import type { LoginStore } from '../../lib/ports.ts';
import { type Full, START } from '../kit/records.ts';
import type { AtOnce } from './stores.ts';

const full: Full<LoginState> = {
  refused: [{ fingerprint: 'a', login: 'c', code: 'invalid_grant', times: 2, until: plus(START, 7), at: START }],
  granted: 'b',
  wrong: 1,
};
const by = (id: string, at = START) => ({ id, at, until: plus(at, seconds(45)) });

export const describeLogins = (store: () => LoginStore, fresh: () => string, atOnce: AtOnce): unknown =>
  describe('logins', () => {
    const login = () => `test-provider#${fresh()}`;

    it('are taken by one at a time, who finds what the one before has left', async () => {
      const mine = login();
      expect(await store().take(mine, by('one'))).toEqual({ refused: [] });
      expect(await store().take(mine, by('two'))).toBeUndefined();
      await store().giveBack(mine, 'one', full);
      expect(await store().take(mine, by('two'))).toEqual(full);
      await store().giveBack(mine, 'two', { refused: [] });
      expect(await store().take(mine, by('three'))).toEqual({ refused: [] });
    });

    it('keep what is noted during a try, even if its worker crashes', async () => {
      const mine = login();
      await store().take(mine, by('one'));
      expect(await store().note(mine, 'one', full)).toBe(true);
      expect(await store().take(mine, by('two'))).toBeUndefined();
      expect(await store().take(mine, by('three', plus(START, seconds(45))))).toEqual(full);
      // Too late: another try holds it.
      expect(await store().note(mine, 'one', { refused: [] })).toBe(false);
      expect(await store().note(mine, 'three', { refused: [], wrong: 2 })).toBe(true);
      expect(await store().take(mine, by('four', plus(START, seconds(99))))).toEqual({ refused: [], wrong: 2 });
      await store().giveBack(mine, 'four', { refused: [] });
      expect(await store().take(mine, by('five', plus(START, seconds(99))))).toEqual({ refused: [] });
    });

    atOnce('have one winner among many', async () => {
      const mine = login();
      const tries = Array.from({ length: 12 }, (_, n) => store().take(mine, by(`${n}`)));
      expect((await Promise.all(tries)).filter(state => state !== undefined)).toHaveLength(1);
    });

    it('are free again when the time is over, to the millisecond', async () => {
      const mine = login();
      await store().take(mine, by('one'));
      expect(await store().take(mine, by('two', plus(START, seconds(45) - 1)))).toBeUndefined();
      expect(await store().take(mine, by('two', plus(START, seconds(45))))).toEqual({ refused: [] });
      // Too late: another try holds it.
      await store().giveBack(mine, 'one', full);
      expect(await store().take(mine, by('three', plus(START, seconds(46))))).toBeUndefined();
      await store().giveBack(mine, 'two', { refused: [] });
      expect(await store().take(mine, by('three', plus(START, seconds(46))))).toEqual({ refused: [] });
    });

    it('may be taken by the same try again: the answer to the first may have been lost', async () => {
      const mine = login();
      await store().take(mine, by('one'));
      expect(await store().take(mine, by('one'))).toEqual({ refused: [] });
    });

    it('are apart from each other', async () => {
      await store().take(login(), by('one'));
      expect(await store().take(login(), by('one'))).toEqual({ refused: [] });
    });

    atOnce('have one key of fingerprints for each provider, even if several callers propose one', async () => {
      const provider = `provider-${fresh().length}`;
      const keys = await Promise.all(['a', 'b', 'c'].map(proposed => store().key(provider, proposed)));
      expect(new Set(keys).size).toBe(1);
      expect(await store().key(provider, 'd')).toBe(keys[0]);
      expect(await store().key(`${provider}-2`, 'e')).toBe('e');
    });
  });
