import { createHash, createHmac } from 'node:crypto';

/** Distinguishes texts without keeping them: 16 hexadecimal digits of SHA-256. */
export const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The same with a key, without which nobody can try guesses against it. */
export const keyedFingerprint = (key: string, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex').slice(0, 16);
