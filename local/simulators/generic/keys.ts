import { checkPrimeSync, createECDH, createHash, createPrivateKey, type JsonWebKeyInput } from 'node:crypto';

/**
 * Made-up private keys, computed from a constant: they are the same in each run, and the repository contains no key.
 * They protect nothing, since anybody can compute them.
 */

const CURVES: Readonly<Record<string, readonly [name: string, curve: string, bytes: number]>> = {
  ES256: ['P-256', 'prime256v1', 32],
  ES384: ['P-384', 'secp384r1', 48],
  ES512: ['P-521', 'secp521r1', 66],
};

const made = new Map<string, string>();

/** A key in PEM for the algorithm (RFC 7518 §3.1). */
export const madeUpKey = (algorithm: string): string => {
  const kind = /^[RP]S/.test(algorithm) ? 'RSA' : algorithm;
  const pem = made.get(kind) ?? pemOf(keyOf(kind));
  made.set(kind, pem);
  return pem;
};

const pemOf = (key: Parameters<typeof createPrivateKey>[0]): string =>
  createPrivateKey(key).export({ type: 'pkcs8', format: 'pem' }).toString();

const keyOf = (kind: string): Parameters<typeof createPrivateKey>[0] => {
  if (kind === 'RSA') return rsaKey();
  const curve = CURVES[kind];
  if (curve) return curveKey(...curve);
  // RFC 8410 §7: the seed is the key.
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), stream('EdDSA', 32)]);
  return { key: der, format: 'der', type: 'pkcs8' };
};

/** This many bytes, computed from a word. */
const stream = (word: string, bytes: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes / 32) }, (_, n) =>
      createHash('sha256').update(`a made-up key ${word} ${n}`).digest(),
    ),
  ).subarray(0, bytes);

const curveKey = (crv: string, curve: string, bytes: number): JsonWebKeyInput => {
  // Leading zeros keep it below the order of each curve.
  const d = Buffer.concat([Buffer.alloc(4), stream(crv, bytes - 4)]);
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const numbers = { x: point.subarray(1, 1 + bytes), y: point.subarray(1 + bytes), d };
  const key = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, value.toString('base64url')]));
  return { format: 'jwk', key: { kty: 'EC', crv, ...key } };
};

const E = 65_537n;

/** RFC 8017 §3.2: two primes of 1024 bits, and the values computed from them. */
const rsaKey = (): JsonWebKeyInput => {
  const [p, q] = [prime('p'), prime('q')];
  const d = inverse(E, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e: E, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const key = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64(value)]));
  return { format: 'jwk', key: { kty: 'RSA', ...key } };
};

const prime = (word: string): bigint => {
  const start = BigInt(`0x${stream(word, 128).toString('hex')}`);
  // The two highest bits: the product has 2048 bits. The lowest: the number is odd.
  for (let candidate = start | (3n << 1022n) | 1n; ; candidate += 2n) {
    if ((candidate - 1n) % E !== 0n && checkPrimeSync(candidate)) return candidate;
  }
};

/** Extended Euclid. */
const inverse = (value: bigint, modulus: bigint): bigint => {
  let [r, next] = [modulus, value % modulus];
  let [t, nextT] = [0n, 1n];
  while (next !== 0n) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [t, nextT] = [nextT, t - quotient * nextT];
  }
  return t < 0n ? t + modulus : t;
};

const base64 = (value: bigint): string => {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
};
