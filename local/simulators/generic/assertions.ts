import { constants, createPublicKey, type VerifyKeyObjectInput, verify } from 'node:crypto';
import { jsonObject } from '../../../lib/core/json.ts';
import { claimsOf } from '../../../lib/core/jwt.ts';
import type { Assertion } from '../../../lib/core/provider.ts';
import { type EpochMs, seconds } from '../../../lib/core/types.ts';

/** How far ahead the clock of a client may be. */
const SKEW = seconds(5);

type Json = Readonly<Record<string, unknown>>;

/** Whether a JWT matches the definition's assertion (RFC 7523 §3): key, algorithm, header, claims and times. */
export const isSigned = (jwt: string, expected: Assertion, now: EpochMs): boolean => {
  const [first = '', payload = '', signature = '', ...rest] = jwt.split('.');
  const header = jsonObject(Buffer.from(first, 'base64url').toString('utf8'));
  if (rest.length > 0 || header?.alg !== expected.algorithm) return false;
  const { iat, exp, jti, ...claims } = claimsOf(jwt);
  return (
    isGood(`${first}.${payload}`, Buffer.from(signature, 'base64url'), expected) &&
    holds(header, expected.header) &&
    holds(claims, expected.claims) &&
    typeof jti === 'string' &&
    typeof iat === 'number' &&
    seconds(iat) <= now + SKEW &&
    typeof exp === 'number' &&
    seconds(exp) > now
  );
};

const holds = (json: Json, expected: Json): boolean =>
  Object.entries(expected).every(([name, value]) => JSON.stringify(json[name]) === JSON.stringify(value));

/** RFC 7518 §3.1 and RFC 8037. */
const isGood = (signed: string, signature: Buffer, { algorithm, key }: Assertion): boolean => {
  const hash = algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
  return verify(hash, Buffer.from(signed), { key: createPublicKey(key), ...waysOf(algorithm) }, signature);
};

const waysOf = (algorithm: string): Omit<VerifyKeyObjectInput, 'key'> => {
  if (algorithm.startsWith('ES')) return { dsaEncoding: 'ieee-p1363' };
  if (!algorithm.startsWith('PS')) return {};
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
};
