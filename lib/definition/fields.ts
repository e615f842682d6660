import { createPrivateKey, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import { isLoopback } from '../core/hosts.ts';
import { fitsHeader } from '../core/limits.ts';

/** C0, DEL and C1. */
const CONTROL = /\p{Cc}/u;

/**
 * The schemas of credential fields. A message completes a sentence that begins with the field's name; it says what to
 * do and never holds the value. `what` describes the content of the field. Only `baseUrl` changes a value: a credential
 * is sent byte for byte.
 */
const present = (what: string) =>
  z
    .string({
      error: ({ input }) =>
        input === undefined || input === null
          ? `is missing: add ${what}`
          : `is not a text: put it in quotes (it is ${what})`,
    })
    .min(1, { error: `is empty: add ${what}` })
    .refine(value => !CONTROL.test(value), {
      error: `holds a line break or another control character: copy ${what} again, without it`,
    });

/** Text that goes into a body. */
export const text = (what: string) =>
  present(what).refine(value => value.isWellFormed(), {
    error: `is not valid Unicode: copy ${what} again`,
  });

/** Text that goes into a header as it is. */
export const headerText = (what: string) =>
  present(what)
    .refine(fitsHeader, { error: `holds a character that no HTTP header can carry: check ${what}` })
    .refine(value => value === value.trim(), {
      error: `begins or ends with a blank, which an HTTP header loses: copy ${what} again, without it`,
    });

/** The user of HTTP Basic: everything after a colon would count as the password (RFC 7617 §2). */
export const basicUser = (what: string) =>
  text(what).refine(value => !value.includes(':'), {
    error: `holds a colon, which HTTP Basic does not allow: check ${what}`,
  });

/** A part of the name of a host. */
export const hostLabel = (what: string) =>
  present(what).regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/, {
    error: `is not a part of a host name: give ${what}, with letters, digits and "-" alone`,
  });

/** A part of the path of a URL. It is encoded, but dots alone would still lead elsewhere. */
export const pathPart = (what: string) =>
  text(what).refine(value => !/^\.{1,2}$/.test(value), { error: `leads to another address: check ${what}` });

const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };
const LEAST_RSA = 2048;

/** A private key in PEM that can sign with the algorithm of a JWT (RFC 7518 §3.1). */
export const privateKey = (what: string, algorithm: string) =>
  z
    .string({ error: `is missing or not a text: add ${what}` })
    .refine(value => keyIn(value) !== undefined, {
      error: 'is not a private key in PEM: copy it again, with its first and last line and "\\n" for each line break',
      abort: true,
    })
    .refine(value => canSign(value, algorithm), {
      error: `cannot sign with ${algorithm}, or is too short: make a new key`,
    });

const canSign = (pem: string, algorithm: string): boolean => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = keyIn(pem) ?? {};
  if (algorithm === 'EdDSA') return type === 'ed25519';
  if (algorithm in CURVES) return type === 'ec' && details?.namedCurve === CURVES[algorithm];
  return type === 'rsa' && (details?.modulusLength ?? 0) >= LEAST_RSA;
};

const keyIn = (pem: string): KeyObject | undefined => {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
};

/** An absolute `https:` URL, or `http:` on loopback, without a trailing slash; undefined if it is not one. */
export const parseBaseUrl = (value: string): string | undefined => {
  if (CONTROL.test(value) || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const encrypted = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  // A trailing dot leads to the same host under another name, which would have its own rate limits.
  if (!encrypted || url.username || url.password || /[?#]/.test(value) || url.hostname.endsWith('.')) return undefined;
  return `${url.origin}${url.pathname.replace(/\/{2,}/g, '/').replace(/\/$/, '')}`;
};

/** The provider's base URL: its API, a demo tenant, a proxy or a simulator. */
export const baseUrl = (what: string) =>
  present(what).transform((value, context) => {
    const url = parseBaseUrl(value);
    if (url !== undefined) return url;
    context.issues.push({
      code: 'custom',
      input: value,
      message:
        'is not a base URL: give an https: address (http: for loopback hosts only) without user, password, query and fragment',
    });
    return z.NEVER;
  });

/** `baseUrl` as an optional replacement of the provider's own address. */
export const baseUrlOverride = baseUrl('the address that takes the place of the provider’s own').optional();

/** `apiBaseUrl`: the base URL for consumers, if only that differs from the provider’s own. */
export const apiBaseUrl = baseUrl('the base URL that consumers call in place of the provider’s own').optional();

/** One of a few words. */
export const oneOf = (words: readonly string[]) => {
  const quoted = words.map(word => `"${word}"`);
  const choice = words.length === 2 ? `neither ${quoted.join(' nor ')}` : `none of ${quoted.join(', ')}`;
  return z.enum(words, { error: `is ${choice}: give one of them, or leave it out` });
};
