import { describe, expect, it } from 'vitest';
import { isObject, jsonObject } from '../../lib/core/json.ts';
import { claimsOf } from '../../lib/core/jwt.ts';
import { areOfTwoSecrets, connectionsIn, credentialsIn, parseSecretName, versionOf } from '../../lib/core/secret.ts';
import { allShards, SHARDS, shardOf, spread } from '../../lib/core/shard.ts';
import { connectionId, keyOf, parseConnectionId, providerOf, secretOf, secretVersion } from '../../lib/core/types.ts';
import { idOf } from '../kit/records.ts';

const PREFIX = 'token-refresher/';

describe('the version of a secret', () => {
  const [first, second] = ['AbCdEf', 'GhIjKl'].map(end => `arn:aws:secretsmanager:eu-north-1:1:secret:a/b-${end}`);
  if (first === undefined || second === undefined) throw new Error('there are two');

  it('says whether another secret has taken the name, whatever id its writer chose', () => {
    expect(versionOf(first, 'v1')).toBe('AbCdEf:v1');
    expect(areOfTwoSecrets(versionOf(first, 'v1'), versionOf(second, 'v1'))).toBe(true);
    expect(areOfTwoSecrets(versionOf(first, 'v1'), versionOf(second, 'AbCdEf:v1'))).toBe(true);
    expect(areOfTwoSecrets(versionOf(first, 'v1'), versionOf(first, 'v2'))).toBe(false);
  });

  it.each([undefined, secretVersion(''), secretVersion('11111111-2222-3333-4444-555555555555')])(
    'says nothing of that if it is %j',
    unknown => {
      expect(areOfTwoSecrets(unknown, versionOf(first, 'v1'))).toBe(false);
      if (unknown !== undefined) expect(areOfTwoSecrets(versionOf(first, 'v1'), unknown)).toBe(false);
    },
  );
});

describe('the name of a secret', () => {
  it('names a connection', () => {
    expect(parseSecretName(PREFIX, 'token-refresher/petrosoft/station.7')).toEqual({
      provider: 'petrosoft',
      secret: 'petrosoft/station.7',
    });
  });

  it.each([
    ['is of someone else', 'other/petrosoft/acme'],
    ['has no name', 'token-refresher/petrosoft'],
    ['has an empty name', 'token-refresher/petrosoft/'],
    ['has an empty provider', 'token-refresher//acme'],
    ['goes deeper', 'token-refresher/petrosoft/acme/old'],
    ['has a blank in its name', 'token-refresher/petrosoft/a b'],
    ['begins with a dot', 'token-refresher/petrosoft/.hidden'],
    ['has a provider in capitals', 'token-refresher/Petrosoft/acme'],
    ['is too long', `token-refresher/petrosoft/${'a'.repeat(101)}`],
  ])('is refused if it %s', (_, name) => expect(parseSecretName(PREFIX, name)).toBeUndefined());
});

describe('the connections in a secret', () => {
  const found = (text: string, most = 10) => {
    const content = connectionsIn(idOf('shared', 'p'), text, most);
    return content.ok ? { ...content, connections: [...content.connections.keys()] } : content;
  };

  it('are the secret itself, or each key of its connections', () => {
    expect(found('{"a":1}')).toEqual({ ok: true, connections: ['p/shared'], keys: 1, badLabels: 0 });
    expect(found('{"connections":{"oslo":{},"bergen":null}}')).toEqual({
      ok: true,
      connections: ['p/shared/oslo', 'p/shared/bergen'],
      keys: 2,
      badLabels: 0,
    });
    expect(found('{"connections":{}}')).toEqual({ ok: true, connections: [], keys: 0, badLabels: 0 });
  });

  it.each(['', 'null', '[]', '"text"', '{', '{"connections":[]}', '{"connections":null}', '{"connections":"a"}'])(
    'are unknown if it holds %s',
    text => expect(found(text)).toEqual({ ok: false, code: 'secret_malformed' }),
  );

  it('are refused as a whole if there are more than one secret may hold', () => {
    const text = '{"connections":{"a":{},"b":{},"c":{}}}';
    expect(found(text, 3)).toMatchObject({ ok: true });
    expect(found(text, 2)).toEqual({ ok: false, code: 'too_many_connections' });
  });

  it('are never prototypes, and keys that are not valid names are counted', () => {
    const content = found('{"connections":{"__proto__":{"a":1},"constructor":{},"a b":{},"":{}}}');
    expect(content).toMatchObject({
      connections: ['p/shared/constructor'],
      keys: 4,
      badLabels: 0,
    });
    expect(found('{"__proto__":{"connections":{"evil":{}}}}')).toMatchObject({ connections: ['p/shared'] });
  });
});

describe('the credentials of a connection', () => {
  const json = { app: 'ours', region: 'north', connections: { oslo: { key: 'o', region: 'own' }, odd: 'text' } };

  it('are the shared fields under its own', () => {
    expect(credentialsIn(json, 'oslo')).toEqual({ app: 'ours', region: 'own', key: 'o' });
    expect(credentialsIn({ app: 'alone' }, undefined)).toEqual({ app: 'alone' });
  });

  it.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'bergen'])(
    'are not there for %s, which the secret does not have',
    key => {
      expect(credentialsIn(json, key)).toBeUndefined();
      expect(credentialsIn({ app: 'ours' }, key)).toBeUndefined();
    },
  );

  it('are returned as written, even if they are not an object', () => {
    expect(credentialsIn(json, 'odd')).toBe('text');
  });

  it('cannot set another prototype', () => {
    const hostile = JSON.parse('{"connections":{"oslo":{"__proto__":{"password":"planted"}}}}');
    const own = credentialsIn(hostile, 'oslo');
    expect(isObject(own) && own.password).toBeUndefined();
  });
});

describe('the claims of a token', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('are those of a JWT', () => expect(claimsOf(`h.${part({ exp: 7 })}.s`)).toEqual({ exp: 7 }));

  it.each([
    '',
    'opaque',
    '.',
    '..',
    'a.b',
    'a.b.c',
    'a.b.c.d.e',
    `h.${part([1])}.s`,
    `h.${part('x')}.s`,
    `h.${part(1)}`,
  ])('are none of %j', token => expect(claimsOf(token)).toEqual({}));

  it('contain nothing else if the JSON names a prototype', () => {
    expect(claimsOf(`h.${Buffer.from('{"__proto__":{"exp":7}}').toString('base64url')}.s`).exp).toBeUndefined();
    expect(jsonObject('{"__proto__":{"error":"x"}}')?.error).toBeUndefined();
  });
});

describe('ids', () => {
  it('are taken apart as they were put together', () => {
    const id = idOf('a.b_c-1', 'some-provider');
    expect([providerOf(id), secretOf(id), keyOf(id)]).toEqual(['some-provider', id, undefined]);
    const packed = idOf('a.b_c-1/oslo', 'some-provider');
    expect([providerOf(packed), secretOf(packed), keyOf(packed)]).toEqual(['some-provider', id, 'oslo']);
    expect([parseConnectionId(id), parseConnectionId(packed)]).toEqual([id, packed]);
  });

  it.each([
    '',
    '/',
    'a',
    'a/',
    '/a',
    'a/b/',
    'a/b/c/d',
    'a//c',
    'a/b/-c',
    'A/b',
    'a/b/c d',
    'a/-b',
    'a/b c',
    'a/b\n',
    `a/${'b'.repeat(101)}`,
  ])('are not %j', text => expect(parseConnectionId(text)).toBeUndefined());

  it('have providers of 1 to 40 characters', () => {
    expect(connectionId('p'.repeat(40), 'a')).toBeDefined();
    expect(connectionId('p'.repeat(41), 'a')).toBeUndefined();
  });

  it('spread over all shards, each always into the same one', () => {
    const shards = Array.from({ length: 4000 }, (_, n) => shardOf(idOf(`c${n}`)));
    const sizes = [...Map.groupBy(shards, shard => shard)].map(([, { length }]) => length);
    expect(sizes).toHaveLength(SHARDS);
    expect(Math.min(...sizes)).toBeGreaterThan(400);
    expect(allShards).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    // Fixed forever: with another number, records would be in shards that nobody reads.
    expect(shardOf(idOf('acme'))).toBe(shardOf(idOf('acme')));
    expect(spread(idOf('acme'), 'shard')).not.toBe(spread(idOf('acme'), 'renewal'));
  });
});
