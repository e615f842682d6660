import { createPrivateKey, randomUUID } from 'node:crypto';
import { seconds } from '../core/types.ts';
import type { SignAssertion } from '../ports.ts';

/** Signs with `jose`, which is loaded only if needed. */
export const signAssertion: SignAssertion = async ({ algorithm, key, header, claims, lifetime }, now) => {
  const { SignJWT } = await import('jose');
  const issuedAt = Math.floor(now / seconds(1));
  return new SignJWT({ ...claims })
    .setProtectedHeader({ typ: 'JWT', ...header, alg: algorithm })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.ceil(lifetime / seconds(1)))
    .setJti(randomUUID())
    .sign(createPrivateKey(key));
};
