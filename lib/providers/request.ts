import type { HttpRequest } from '../core/provider.ts';

type Headers = Readonly<Record<string, string>>;

/** `base` and `path` with exactly one slash between them. */
export const joinUrl = (base: string, path: string): string =>
  `${base.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;

/** A POST of `application/x-www-form-urlencoded` fields (RFC 6749 appendix B). */
export const postForm = (
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Headers = {},
): HttpRequest => ({
  method: 'POST',
  url,
  headers: { accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
  body: new URLSearchParams(fields).toString(),
});

export const postJson = (url: string, value: unknown): HttpRequest => ({
  method: 'POST',
  url,
  headers: { accept: 'application/json', 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
});

/** A POST that says everything in its headers. */
export const postHeaders = (url: string, headers: Headers): HttpRequest => ({
  method: 'POST',
  url,
  headers: { accept: 'application/json', ...headers },
});

/**
 * HTTP Basic of the two parts byte for byte (RFC 7617). Not form-encoded first, as RFC 6749 §2.3.1 would have it: the
 * providers here compare the bytes, and a `-` that became `%2D` is a wrong key.
 */
export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;

/** RFC 6750 §2.1. */
export const bearer = (token: string): string => `Bearer ${token}`;
