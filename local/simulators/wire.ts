import { jsonObject } from '../../lib/core/json.ts';
import type { Milliseconds } from '../../lib/core/types.ts';
import type { FakeAuthServer, Issued, SimulatedRequest, SimulatedResponse } from './kit.ts';

/** Helpers to read requests and write answers of simulators. */

type Fields = Readonly<Record<string, string | undefined>>;

export const json = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): SimulatedResponse => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(value),
});

/** RFC 6749 §5.2. */
export const oauthError = (status: number, error: string, description: string): SimulatedResponse =>
  json(status, { error, error_description: description });

export const pathOf = ({ path }: SimulatedRequest): string => path.split('?', 1)[0] ?? '';

const hasType = ({ headers }: SimulatedRequest, type: string): boolean =>
  headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() === type;

/** The fields of a form; undefined if it is not one, or has a field twice (RFC 6749 §3.2). */
export const formOf = (request: SimulatedRequest): Fields | undefined => {
  if (!hasType(request, 'application/x-www-form-urlencoded')) return undefined;
  const fields = [...new URLSearchParams(request.body)];
  const form = new Map(fields);
  return form.size === fields.length ? Object.fromEntries(form) : undefined;
};

export const jsonOf = (request: SimulatedRequest): Readonly<Record<string, unknown>> | undefined =>
  hasType(request, 'application/json') ? jsonObject(request.body) : undefined;

/** User and password of HTTP Basic, byte for byte (RFC 7617). */
export const basicOf = ({ headers }: SimulatedRequest): readonly [string, string] | undefined => {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+=*)$/.exec(headers.authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)];
};

/** The valid token of an `Authorization: Bearer` header (RFC 6750 §2.1). */
export const bearerOf = (server: FakeAuthServer, { headers }: SimulatedRequest): Issued | undefined =>
  server.valid(/^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]);

/** A duration in seconds, with fractions if lifetimes are scaled. */
export const inSeconds = (duration: Milliseconds): number => Number((duration / 1000).toFixed(3));
