import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isLoopback } from '../lib/core/hosts.ts';
import { UsageError } from './usage-error.ts';

/** The environment variable that may hold the key. */
export const KEY_VARIABLE = 'TOKEN_REFRESHER_KEY';

/**
 * The key of the HTTP API: from the environment, or otherwise a random one of 192 bits. An address that other machines
 * can reach needs one from the environment: the person who opens the API to them has to know it.
 */
export const apiKey = (given: string | undefined, host: string): string => {
  if (given === undefined) {
    if (isLoopbackAddress(host)) return randomBytes(24).toString('base64url');
    throw new UsageError(`--host ${host} opens the API to other machines: set ${KEY_VARIABLE} to a key.`);
  }
  if (/^[\x21-\x7e]{16,}$/.test(given)) return given;
  throw new UsageError(`${KEY_VARIABLE} must be at least 16 printable characters without blanks; or leave it unset.`);
};

/** Whether only this machine can reach an IP address. */
export const isLoopbackAddress = (ip: string): boolean => isLoopback(ip.includes(':') ? `[${ip}]` : ip);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether an `Authorization` header has the key (RFC 6750 §2.1). Takes the same time for every wrong one. */
export const bears = (header: string | undefined, key: string): boolean => {
  const [, given = ''] = /^Bearer +(\S+)$/i.exec(header ?? '') ?? [];
  return timingSafeEqual(digest(given), digest(key));
};
