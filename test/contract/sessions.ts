import { describe, expect, it } from 'vitest';
import { LARGEST } from '../../lib/core/limits.ts';
import { version } from '../../lib/core/types.ts';
import type { SessionStore } from '../../lib/ports.ts';
import { fullSession, sessionOf } from '../kit/records.ts';
import type { Fresh } from './stores.ts';

export const describeSessions = (store: () => SessionStore, fresh: Fresh): unknown =>
  describe('sessions', () => {
    const session = fullSession;
    const [v3, v4, v5] = [version(3), version(4), version(5)];

    it('are given back whole, with the version that kept them', async () => {
      const mine = fresh();
      expect(await store().get(mine)).toBeUndefined();
      expect(await store().keep(mine, v3, session)).toBe(true);
      expect(await store().get(mine)).toEqual({ version: v3, session });
      const bare = sessionOf();
      expect(await store().keep(mine, v4, bare)).toBe(true);
      expect(await store().get(mine)).toEqual({ version: v4, session: bare });
    });

    it('are kept up to the largest refresh token that is accepted', async () => {
      const mine = fresh();
      const large = sessionOf({ refreshToken: 'é'.repeat(LARGEST.refreshToken / 2) });
      expect(await store().keep(mine, v3, large)).toBe(true);
      expect(await store().get(mine)).toEqual({ version: v3, session: large });
    });

    it('are kept again by the same version, as a write is that is repeated', async () => {
      const mine = fresh();
      await store().keep(mine, v3, session);
      expect(await store().keep(mine, v3, session)).toBe(true);
    });

    it('give way to a newer version alone', async () => {
      const mine = fresh();
      await store().keep(mine, v4, session);
      expect(await store().keep(mine, v3, sessionOf({ refreshToken: 'older' }))).toBe(false);
      expect(await store().get(mine)).toEqual({ version: v4, session });
    });

    it('that are given up do not come back with an older version', async () => {
      const mine = fresh();
      await store().keep(mine, v3, session);
      expect(await store().keep(mine, v5, undefined)).toBe(true);
      expect(await store().keep(mine, v4, session)).toBe(false);
      expect(await store().get(mine)).toEqual({ version: v5 });
    });

    it('are forgotten up to a version', async () => {
      const mine = fresh();
      await store().keep(mine, v4, session);
      await store().forget(mine, v3);
      expect(await store().get(mine)).toBeDefined();
      await store().forget(mine, v4);
      expect(await store().get(mine)).toBeUndefined();
      await store().forget(mine, v4);
    });

    it('belong to one connection, and are not listed as records', async () => {
      const [mine, other] = [fresh(), fresh()];
      await store().keep(mine, v3, session);
      expect(await store().get(other)).toBeUndefined();
    });
  });
