import { describe, expect, it } from 'vitest';
import { type SecretVersion, secretVersion } from '../../lib/core/types.ts';
import { CredentialCache } from '../../lib/refresh/credentials.ts';
import { Fingerprints } from '../../lib/refresh/fingerprints.ts';
import { idOf } from '../kit/records.ts';
import { testProvider } from '../kit/vendor.ts';

const keyed = new Fingerprints({ key: async () => 'a key' }, () => 'another');

const provider = testProvider();
const MI = 1024 * 1024;
const v = (n: number): SecretVersion => secretVersion(`v${n}`);

/** Secrets of any size, and what was read of them. */
const cacheOf = (sizes: Readonly<Record<string, number>>) => {
  const versions = new Map<string, number>();
  const gone = new Set<string>();
  const reads: string[] = [];
  const textOf = (name: string): string => {
    const fields = { password: name, version: versions.get(name) ?? 1 };
    const rest = JSON.stringify({ ...fields, padding: '' }).length;
    return JSON.stringify({ ...fields, padding: ' '.repeat((sizes[name] ?? 0) - rest) });
  };
  const source = {
    get: async (path: string) => {
      const name = path.split('/').at(-1) ?? '';
      reads.push(name);
      return gone.has(name)
        ? undefined
        : { arn: `arn-${name}`, version: v(versions.get(name) ?? 1), text: textOf(name) };
    },
    list: async () => [],
  };
  const cache = new CredentialCache(source, keyed, 'token-refresher/');
  /** Reads a secret, which is right whatever the cache did; answers whether it had to be fetched. */
  const fetched = async (name: string): Promise<boolean> => {
    const before = reads.length;
    const read = await cache.read(provider, idOf(name), v(versions.get(name) ?? 1));
    if (!read.ok) throw new Error(`${name} is not read`);
    expect(read.version).toBe(v(versions.get(name) ?? 1));
    expect(read.account.logIn().body).toBe(JSON.stringify({ password: name }));
    return reads.length > before;
  };
  return { cache, fetched, versions, gone };
};
const names = (count: number) => Array.from({ length: count }, (_, n) => `s${n}`);
const ofSize = (count: number, size: number) => Object.fromEntries(names(count).map(name => [name, size]));

describe('the credentials that a warm function keeps', () => {
  it('are 16 Mi characters of secrets and no more: what was read first goes, and is read again', async () => {
    const { fetched } = cacheOf(ofSize(17, MI));
    for (const name of names(16)) expect(await fetched(name)).toBe(true);
    for (const name of names(16)) expect([name, await fetched(name)]).toEqual([name, false]);
    expect(await fetched('s16')).toBe(true);
    for (const name of names(17).slice(1)) expect([name, await fetched(name)]).toEqual([name, false]);
    expect(await fetched('s0')).toBe(true);
    expect(await fetched('s1')).toBe(true);
    expect(await fetched('s16')).toBe(false);
  });

  it('give right answers, whatever the order, while they come and go', async () => {
    const { fetched } = cacheOf(ofSize(40, MI / 2));
    let reads = 0;
    for (let n = 0; n < 400; n += 1) if (await fetched(`s${(n * 7 + (n >> 3)) % 40}`)) reads += 1;
    expect(reads).toBeGreaterThan(40);
    expect(reads).toBeLessThan(400);
  });

  it('count a new version of a secret in place of the old one', async () => {
    const { fetched, versions } = cacheOf(ofSize(16, MI));
    for (const name of names(16)) await fetched(name);
    for (let version = 2; version < 40; version += 1) {
      versions.set('s15', version);
      expect(await fetched('s15')).toBe(true);
    }
    for (const name of names(16)) expect([name, await fetched(name)]).toEqual([name, false]);
  });

  it('count a secret that is gone no more', async () => {
    const { cache, fetched, gone } = cacheOf(ofSize(17, MI));
    for (const name of names(16)) await fetched(name);
    gone.add('s0');
    expect(await cache.again(provider, idOf('s0'))).toMatchObject({ ok: false, trouble: { code: 'secret_missing' } });
    await fetched('s16');
    for (const name of names(17).slice(1)) expect([name, await fetched(name)]).toEqual([name, false]);
  });

  it('hold nothing of a secret that is larger than all of them, which is read each time', async () => {
    const { fetched } = cacheOf({ ...ofSize(2, MI), huge: 17 * MI });
    await fetched('s0');
    for (let n = 0; n < 3; n += 1) expect(await fetched('huge')).toBe(true);
    expect(await fetched('s1')).toBe(true);
    expect(await fetched('s1')).toBe(false);
  });
});
