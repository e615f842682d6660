import { describe, expect, it } from 'vitest';
import { LARGEST } from '../../lib/core/limits.ts';
import { version } from '../../lib/core/types.ts';
import type { TokenStore } from '../../lib/ports.ts';
import { tokenFor } from '../kit/records.ts';
import type { AtOnce, Fresh } from './stores.ts';

export const describeTokens = (store: () => TokenStore, fresh: Fresh, atOnce: AtOnce) =>
  describe('tokens', () => {
    it('returns undefined if nothing was published', async () => {
      expect(await store().get(fresh())).toBeUndefined();
    });

    it('gives back the whole token', async () => {
      const token = tokenFor(fresh());
      expect(await store().publish(token)).toBe(true);
      expect(await store().get(token.connection)).toEqual(token);
    });

    it('takes the largest token that is accepted', async () => {
      const token = tokenFor(fresh(), {
        accessToken: 'é'.repeat(LARGEST.accessToken / 2),
        headers: { 'x-one': 'é'.repeat(LARGEST.headers / 4), 'x-two': 'a'.repeat(LARGEST.headers / 2) },
        baseUrl: 'https://api.test/'.padEnd(LARGEST.baseUrl, 'a'),
      });
      expect(await store().publish(token)).toBe(true);
      expect(await store().get(token.connection)).toEqual(token);
    });

    it('replaces the whole of an older token', async () => {
      const older = tokenFor(fresh(), { headers: { a: '1', b: '2' } });
      const newer = tokenFor(older.connection, { version: version(2), accessToken: 'newer', headers: { a: '3' } });
      await store().publish(older);
      expect(await store().publish(newer)).toBe(true);
      expect(await store().get(older.connection)).toEqual(newer);
    });

    it('refuses a token older than the one that is there', async () => {
      const newer = tokenFor(fresh(), { version: version(10) });
      await store().publish(newer);
      expect(await store().publish(tokenFor(newer.connection, { version: version(9) }))).toBe(false);
      expect(await store().get(newer.connection)).toEqual(newer);
    });

    it('accepts the same token twice: a lost answer loses nothing', async () => {
      const token = tokenFor(fresh());
      await store().publish(token);
      expect(await store().publish(token)).toBe(true);
    });

    it('refuses another token of the same version', async () => {
      const token = tokenFor(fresh());
      await store().publish(token);
      expect(await store().publish({ ...token, accessToken: 'another' })).toBe(false);
      expect(await store().get(token.connection)).toEqual(token);
    });

    atOnce('keeps the newest of many that are published at once', async () => {
      const connection = fresh();
      const tokens = Array.from({ length: 50 }, (_, n) =>
        tokenFor(connection, { version: version(((n * 17) % 50) + 1), accessToken: `token-${((n * 17) % 50) + 1}` }),
      );
      await Promise.all(tokens.map(token => store().publish(token)));
      expect(await store().get(connection)).toMatchObject({ version: 50, accessToken: 'token-50' });
    });

    it('withdraws a token up to a version', async () => {
      const token = tokenFor(fresh(), { version: version(3) });
      await store().publish(token);
      await store().withdraw(token.connection, version(2));
      expect(await store().get(token.connection)).toEqual(token);
      await store().withdraw(token.connection, version(3));
      expect(await store().get(token.connection)).toBeUndefined();
    });

    it('withdraws what is not there without a word', async () => {
      await expect(store().withdraw(fresh(), version(1))).resolves.toBeUndefined();
    });
  });
