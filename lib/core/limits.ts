import { type EpochMs, epochMs, hours, type Milliseconds, plus } from './types.ts';

/**
 * The largest parts of an answer, in bytes of UTF-8. Together they take up 66 KiB of the 400 kB of an item: every
 * accepted token can be stored.
 */
export const LARGEST = {
  /** Servers accept 8 to 16 KiB of headers: nobody could use a larger token. */
  accessToken: 16 * 1024,
  /** A token that holds its whole state is smaller, and some providers get it back in a header. */
  refreshToken: 16 * 1024,
  /** All headers that consumers send, with their names: the access token, and as much again for keys. */
  headers: 32 * 1024,
  /** Gateways and proxies refuse longer addresses. */
  baseUrl: 2 * 1024,
} as const;

/** The longest Retry-After that is read. The policy shortens it further. */
export const LONGEST_RETRY_AFTER: Milliseconds = hours(24);

/** No session lasts this long: a later time means another unit, or no end. */
const FURTHEST: Milliseconds = 100 * 365 * hours(24);

export const bytesOf = (text: string): number => Buffer.byteLength(text);

/** The moment if it is in the future and within a hundred years, otherwise undefined. */
export const plausible = (moment: EpochMs | undefined, now: EpochMs): EpochMs | undefined =>
  moment !== undefined && moment > now && moment < plus(now, FURTHEST) ? epochMs(moment) : undefined;

/** The value of a header: printable latin1 (RFC 9110 §5.5). */
const HEADER = /^[\u0020-\u007e\u00a0-\u00ff]+$/;
export const fitsHeader = (value: string): boolean => HEADER.test(value);

/** The name of a header (RFC 9110 §5.6.2). */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** Headers that can be sent and stored. */
export const areHeaders = (headers: object): boolean =>
  Object.entries(headers).every(
    ([name, value]) => NAME.test(name) && typeof value === 'string' && (value === '' || fitsHeader(value)),
  );

export const headerBytes = (headers: Readonly<Record<string, string>>): number =>
  Object.entries(headers).reduce((sum, [name, value]) => sum + bytesOf(name) + bytesOf(value), 0);
