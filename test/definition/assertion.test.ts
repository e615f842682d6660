import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { signAssertion } from '../../lib/http/sign.ts';
import { keyFor } from '../catalogue/invented.ts';
import { acmeAccountOf, acmeProblemsOf, NOW, secret, withField } from './acme.ts';

const pemOf = (algorithm: string): string =>
  String(keyFor(algorithm).privateKey.export({ type: 'pkcs8', format: 'pem' }));

const changeFor = (algorithm: string, more: object = {}) => ({
  fields: { ...withField('key', { privateKey: true }), keyId: { purpose: 'the id', optional: true } },
  login: { url: '{base}/token', form: { assertion: '{assertion}' } },
  assertion: {
    algorithm,
    key: 'key',
    header: { kid: '{keyId}' },
    claims: { iss: '{clientId}', aud: '{base}/token', roles: ['{clientId}', 'fixed'], admin: false },
    ...more,
  },
});

const signedBy = async (change: object, of: object) => {
  const { assertion } = acmeAccountOf(change, of);
  return signAssertion(assertion ?? expect.fail(), NOW);
};

describe('an assertion', () => {
  it.each(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
    'is signed with %s, and its claims and header are filled',
    async algorithm => {
      const jwt = await signedBy(changeFor(algorithm), { ...secret, key: pemOf(algorithm), keyId: 'k1' });
      expect(decodeProtectedHeader(jwt)).toEqual({ alg: algorithm, typ: 'JWT', kid: 'k1' });
      const { payload } = await jwtVerify(jwt, keyFor(algorithm).publicKey, { currentDate: new Date(NOW) });
      expect(payload).toEqual({
        iss: 'c',
        aud: 'https://login.acme.test/token',
        roles: ['c', 'fixed'],
        admin: false,
        iat: NOW / 1000,
        exp: NOW / 1000 + 180,
        jti: expect.any(String),
      });
    },
  );

  it('is valid for the lifetime that the definition gives it, and leaves out what has no value', async () => {
    const jwt = await signedBy(changeFor('ES256', { lifetime: '10m' }), { ...secret, key: pemOf('ES256') });
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'ES256', typ: 'JWT' });
    expect(decodeJwt(jwt).exp).toBe(NOW / 1000 + 600);
  });

  it('is for the address that a secret gives in place of the provider’s own', async () => {
    const of = { ...secret, key: pemOf('ES256'), baseUrl: 'https://proxy.test/' };
    expect(decodeJwt(await signedBy(changeFor('ES256'), of)).aud).toBe('https://proxy.test/token');
  });

  it('is another one each time', async () => {
    const of = { ...secret, key: pemOf('ES256') };
    const ids = await Promise.all([1, 2].map(async () => decodeJwt(await signedBy(changeFor('ES256'), of)).jti));
    expect(new Set(ids).size).toBe(2);
  });

  it('is sent at its place in the request', () => {
    const of = { ...secret, key: pemOf('ES256') };
    expect(acmeAccountOf(changeFor('ES256'), of).logIn('a.b.c').body).toBe('assertion=a.b.c');
  });

  it.each([
    ['RS256', 'ES256'],
    ['ES256', 'RS256'],
    ['ES384', 'ES256'],
    ['EdDSA', 'ES256'],
  ])('of %s is not made with a key for %s', (algorithm, other) => {
    expect(acmeProblemsOf(changeFor(algorithm), { ...secret, key: pemOf(other) })).toEqual([
      `"key" cannot sign with ${algorithm}, or is too short: make a new key`,
    ]);
  });

  it('is not made with an invalid key, which no message repeats', () => {
    expect(acmeProblemsOf(changeFor('RS256'), { ...secret, key: 'not-a-key' })).toEqual([
      '"key" is not a private key in PEM: copy it again, with its first and last line and "\\n" for each line break',
    ]);
    expect(acmeProblemsOf(changeFor('RS256'), secret)).toEqual(['"key" is missing or not a text: add the key']);
  });
});
