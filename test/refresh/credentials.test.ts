import { describe, expect, it } from 'vitest';
import { RefresherError } from '../../lib/core/errors.ts';
import { secretVersion } from '../../lib/core/types.ts';
import type { SecretValue } from '../../lib/ports.ts';
import { builtIn } from '../../lib/providers/index.ts';
import { CredentialCache } from '../../lib/refresh/credentials.ts';
import { Fingerprints } from '../../lib/refresh/fingerprints.ts';
import { idOf } from '../kit/records.ts';
import { testProvider } from '../kit/vendor.ts';

const petrosoft = builtIn('petrosoft');

const keyed = new Fingerprints({ key: async () => 'a key' }, () => 'another');

const provider = testProvider();
const ref = idOf('acme');
const v1 = secretVersion('v1');
const v2 = secretVersion('v2');

const cache = (text: unknown = { password: 'right' }) => {
  const source = {
    reads: 0,
    value: { arn: 'arn', version: v1, text: typeof text === 'string' ? text : JSON.stringify(text) } as
      | SecretValue
      | undefined,
    error: undefined as Error | undefined,
    get: async () => {
      source.reads += 1;
      if (source.error) throw source.error;
      return source.value;
    },
    list: async () => [],
  };
  return { source, cached: new CredentialCache(source, keyed, 'token-refresher/') };
};

describe('a secret that was read', () => {
  it('is not read again before another version is discovered', async () => {
    const { source, cached } = cache();
    for (const exists of [v1, v1, undefined, v1]) {
      expect(await cached.read(provider, ref, exists)).toMatchObject({ ok: true, version: v1 });
    }
    expect(source.reads).toBe(1);
  });

  it('is read again after that, and each time until the secret store returns it too', async () => {
    const { source, cached } = cache();
    await cached.read(provider, ref, v1);
    expect(await cached.read(provider, ref, v2)).toMatchObject({ version: v1 });
    source.value = { arn: 'arn', version: v2, text: '{"password":"new"}' };
    expect(await cached.read(provider, ref, v2)).toMatchObject({ version: v2 });
    await cached.read(provider, ref, v2);
    expect(source.reads).toBe(3);
  });

  it('is read once for many that want it at the same moment', async () => {
    const { source, cached } = cache({ connections: { a: { password: '1' }, b: { password: '2' } } });
    const reads = ['a', 'b', 'a'].map(key => cached.read(provider, idOf(`acme/${key}`), v1));
    for (const read of await Promise.all(reads)) expect(read.ok).toBe(true);
    expect(source.reads).toBe(1);
  });

  it('is forgotten when it is gone', async () => {
    const { source, cached } = cache();
    await cached.read(provider, ref, v1);
    source.value = undefined;
    expect(await cached.again(provider, ref)).toMatchObject({ ok: false, trouble: { code: 'secret_missing' } });
    await cached.read(provider, ref, v1);
    expect(source.reads).toBe(3);
  });
});

describe('a secret that cannot be read', () => {
  it.each([
    [new RefresherError('secret_unreadable', 'planted'), 'secret_unreadable'],
    [new RefresherError('store_failed', 'planted'), 'store_failed'],
    [new Error('planted'), 'secret_unreadable'],
  ])('is a failure to be tried again, and the next read does try', async (error, code) => {
    const { source, cached } = cache();
    source.error = error;
    const read = await cached.read(provider, ref, v1);
    expect(read).toEqual({ ok: false, trouble: { kind: 'retry', code } });
    source.error = undefined;
    expect(await cached.read(provider, ref, v1)).toMatchObject({ ok: true });
  });
});

describe('what is in a secret', () => {
  const read = (text: unknown, key?: string) =>
    cache(text).cached.read(provider, key === undefined ? ref : idOf(`acme/${key}`), v1);

  const missing = { kind: 'retry', code: 'secret_missing' };
  const malformed = { kind: 'refused', code: 'secret_malformed' };
  const invalid = { code: 'secret_invalid', fields: ['password'] };

  it.each<[string, unknown, string | undefined, object, object?]>([
    ['no JSON', '{', undefined, malformed, { tried: { version: v1 } }],
    ['no object', '[]', undefined, malformed, { tried: { version: v1 } }],
    ['not the key', { connections: { b: {} } }, 'a', missing],
    ['no connections at all', { password: 'x' }, 'a', missing],
    ['no own key of that name', { connections: {} }, 'constructor', missing],
    ['a key that is not an object', { connections: { a: 7 } }, 'a', invalid],
    ['a field missing', { user: 'x' }, undefined, invalid],
    ['connections that are a list', { password: 'x', connections: [] }, undefined, malformed],
  ])('may be %s', async (_, text, key, trouble, more) => {
    expect(await read(text, key)).toMatchObject({ ok: false, trouble, ...more });
  });

  it('may have a hundred unknown fields, and a few of them are named', async () => {
    const letters = (n: number) => String.fromCharCode(97 + (n % 26), 97 + Math.floor(n / 26));
    const names = Array.from({ length: 100 }, (_, n) => `field-${letters(n)}`);
    const { cached } = cache({ ...Object.fromEntries(names.map(name => [name, 'x'])), login: 'l', password: 'p' });
    const answer = await cached.read(petrosoft, idOf('acme', 'petrosoft'), v1);
    expect(answer).toMatchObject({ ok: false, trouble: { code: 'secret_invalid', fields: names.slice(0, 8) } });
  });

  it('may hold many connections by now: discovery must find out which, so its version does not count as read', async () => {
    expect(await read({ password: 'x', connections: { a: {} } })).toEqual({ ok: false, trouble: missing });
  });
});
