import * as z from 'zod';
import { isErrorCode } from '../core/errors.ts';
import { hours, type Milliseconds, minutes, seconds } from '../core/types.ts';
import { type Fault, faultsIn } from './definition-checks.ts';
import { parseBaseUrl } from './fields.ts';
import { isTemplate } from './template.ts';

/** The data that describe a provider. The messages of this schema say what to write; docs/providers.md explains each part. */

const units = { s: seconds, m: minutes, h: hours, d: (days: number) => hours(24 * days) } as const;
const duration = z
  .string()
  .regex(/^\d+(?:\.\d+)?[smhd]$/, { error: 'must be a time such as "90s", "20m", "8h" or "30d"' })
  .transform((text): Milliseconds => units[text.at(-1) as keyof typeof units](Number.parseFloat(text)));

const template = z.string().refine(isTemplate, {
  error: 'has a brace that is not part of a placeholder: write placeholders as "{clientId}"',
});
const templates = z.record(z.string().min(1), template);
const fieldName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/, {
  error: 'must be a name of letters, digits and "_" that begins with a letter',
});
const path = z.string().regex(/^[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_$-]+)*$/, {
  error: 'must be a path in the answer, such as "access_token" or "data.token"',
});

const field = z.strictObject({
  /** Ends a sentence that begins with "add": what belongs into the field. */
  purpose: z.string().min(1),
  optional: z.literal(true).exactOptional(),
  default: z
    .union([
      z.string().min(1),
      z.strictObject({
        if: fieldName,
        contains: z.string().min(1),
        use: z.string().min(1),
        otherwise: z.string().min(1),
      }),
    ])
    .exactOptional(),
  oneOf: z.array(z.string().min(1)).min(2).exactOptional(),
});

const url = z.string().refine(text => parseBaseUrl(text) === text, {
  error: 'must be an https: address without user, query, fragment and slash at its end',
});
/** One address; or one for each value of a field. */
const address = z.union([url, z.strictObject({ by: fieldName, of: z.record(z.string().min(1), url) })]);

const request = z.strictObject({
  method: z.enum(['GET', 'POST']).default('POST'),
  url: template,
  /** HTTP Basic, byte for byte (RFC 7617). */
  basic: z.strictObject({ user: template, password: template }).exactOptional(),
  headers: templates.default({}),
  form: templates.exactOptional(),
  json: templates.exactOptional(),
});

const fault = z.strictObject({
  status: z.int().min(100).max(599),
  grant: z.enum(['login', 'refresh']).exactOptional(),
  /** Paths that the answer has, and has not. */
  has: z.array(path).exactOptional(),
  lacks: z.array(path).exactOptional(),
  means: z.enum(['refused', 'retry', 'rejected']),
  code: z.string().refine(isErrorCode, { error: 'must be an error code of this project' }),
});

export const definitionSchema = z.strictObject({
  $schema: z.string().exactOptional(),
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, { error: 'must be 1 to 40 of a-z, 0-9 and "-", beginning with a letter' }),
  title: z.string().min(1),
  /** Where the vendor documents it. */
  source: z.string().min(1),
  lifetime: duration,
  fields: z.record(fieldName, field),
  /** Where the token endpoint is; `baseUrl` in a secret takes its place. */
  base: address,
  /** Where the API is, if it is elsewhere; `baseUrl` in a secret takes its place too. */
  apiBase: address.exactOptional(),
  login: request,
  refresh: request.exactOptional(),
  /** The fields that name the client and the user which a refresh token belongs to. */
  sessionOf: z.array(fieldName).min(1).exactOptional(),
  expiresIn: z.enum(['seconds', 'milliseconds']).default('seconds'),
  /** What must be the same in the answer, or in the claims of its token, and in the secret: `{"org_id": "orgId"}`. */
  match: z.record(path, fieldName).default({}),
  /** The field with the scopes that are asked for: fewer that are granted are reported. */
  scopes: fieldName.exactOptional(),
  consumer: z.strictObject({
    headers: templates.default({ Authorization: 'Bearer {token}' }),
    /** The first of which all placeholders have values. */
    baseUrl: z.union([template.transform(one => [one]), z.array(template).min(1)]),
  }),
  hosts: z.array(z.string().min(1)).min(1),
  errors: z.array(fault).default([]),
  rateLimit: z
    .strictObject({ calls: z.int().min(1), per: duration, sharedBy: fieldName.exactOptional() })
    .exactOptional(),
  /** The user and the password of a login that the provider locks after a few wrong tries. */
  locks: z.strictObject({ user: fieldName, password: fieldName }).exactOptional(),
  concurrency: z.int().min(1).max(50).default(4),
});

export type DefinitionData = z.output<typeof definitionSchema>;
export type RequestData = DefinitionData['login'];

/** A definition that is none: a line for each path, with what to write. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}

/** Throws a `DefinitionError`. */
export const definitionFrom = (value: unknown): DefinitionData => {
  const parsed = definitionSchema.safeParse(value);
  const faults = parsed.success
    ? faultsIn(parsed.data)
    : parsed.error.issues.map(({ path: at, message }) => ({ path: at.join('.'), message }));
  if (!parsed.success || faults.length > 0) throw new DefinitionError(faults.map(sentenceOf).join('\n'));
  return parsed.data;
};

const sentenceOf = ({ path: at, message }: Fault): string =>
  at === '' ? `The definition: ${message}` : `"${at}" ${message}`;
