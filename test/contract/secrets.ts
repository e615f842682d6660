import { describe, expect, it } from 'vitest';
import { areOfTwoSecrets } from '../../lib/core/secret.ts';
import { secretVersion } from '../../lib/core/types.ts';
import type { SecretSource } from '../../lib/ports.ts';
import type { SecretAdmin } from '../kit/memory.ts';
import type { Fresh } from './stores.ts';

export const describeSecrets = (store: () => SecretSource & SecretAdmin, fresh: Fresh) =>
  describe('secrets', () => {
    it('returns undefined if there is no secret', async () => {
      expect(await store().get(fresh())).toBeUndefined();
      expect(await store().list(`${fresh()}/`)).toEqual([]);
    });

    it('gives the text and the version that the listing names', async () => {
      const name = fresh();
      await store().put(name, '{"user":"ö"}');
      const secret = await store().get(name);
      expect(secret?.text).toBe('{"user":"ö"}');
      expect(await store().list(name)).toEqual([{ name, version: secret?.version }]);
    });

    it('gives the current text, under a new version, once it has changed', async () => {
      const name = fresh();
      await store().put(name, 'first');
      const first = await store().get(name);
      await store().put(name, 'second');
      const second = await store().get(name);
      expect(second?.text).toBe('second');
      expect(second?.version).not.toBe(first?.version);
      expect(areOfTwoSecrets(first?.version, second?.version ?? secretVersion(''))).toBe(false);
      expect(await store().list(name)).toEqual([{ name, version: second?.version }]);
    });

    it('hides a secret that is scheduled for deletion until it is restored', async () => {
      const name = fresh();
      await store().put(name, 'text');
      const before = await store().get(name);
      await store().delete(name);
      expect(await store().get(name)).toBeUndefined();
      expect(await store().list(name)).toEqual([]);
      await store().restore(name);
      expect(await store().get(name)).toEqual(before);
      expect(await store().list(name)).toEqual([{ name, version: before?.version }]);
    });

    it('is another secret if it is deleted for good and created again, even with the same version id', async () => {
      const name = fresh();
      await store().put(name, 'text');
      const before = await store().get(name);
      await store().erase(name);
      expect(await store().get(name)).toBeUndefined();
      await store().put(name, 'text');
      const after = await store().get(name);
      expect(after?.arn).not.toBe(before?.arn);
      expect(areOfTwoSecrets(before?.version, after?.version ?? secretVersion(''))).toBe(true);
    });

    it('lists a secret that has no value yet, and has none to give', async () => {
      const name = fresh();
      await store().put(name);
      expect(await store().get(name)).toBeUndefined();
      expect(await store().list(name)).toEqual([{ name }]);
    });

    it('lists more secrets than fit on a page, each of them once', async () => {
      const prefix = `${fresh()}/`;
      const names = Array.from({ length: 205 }, (_, n) => `${prefix}${n}`);
      for (const name of names) await store().put(name, 'text');
      const listed = (await store().list(prefix)).map(({ name }) => name);
      expect(listed.toSorted()).toEqual(names.toSorted());
    });

    it('lists no secret that only shares a word with the prefix', async () => {
      const word = fresh().replace('/', '-');
      const others = [`other/${word}/a`, `my-${word}/a`, `${word}-old/a`, `${word}`];
      for (const name of [`${word}/a`, ...others]) await store().put(name, 'text');
      expect((await store().list(`${word}/`)).map(({ name }) => name)).toEqual([`${word}/a`]);
    });
  });
