import * as z from 'zod';
import { answerCodes, isAnswerCode } from '../core/errors.ts';
import { minutes } from '../core/types.ts';
import { durationText, fieldName, headers, jsonTemplate, path, sentence, template, templateRecord } from './parts.ts';

/**
 * The schema of a definition. The messages say what to write; editors show the descriptions, by way of
 * docs/provider.schema.json (`npm run schema`); docs/providers.md explains each part.
 */

const field = z.strictObject({
  purpose: sentence.describe('What belongs into the field; ends a sentence that begins with "add".'),
  optional: z.literal(true).exactOptional().describe('May be left out.'),
  default: z
    .union(
      [
        z.string().min(1),
        z.strictObject({
          if: fieldName,
          contains: z.string().min(1),
          use: z.string().min(1),
          otherwise: z.string().min(1),
        }),
      ],
      { error: 'must be a text, or {"if": …, "contains": …, "use": …, "otherwise": …}' },
    )
    .exactOptional()
    .describe('What counts if it is left out: a text, or one of two that depend on another field.'),
  oneOf: z.array(z.string().min(1)).min(2).exactOptional().describe('The only values it may have.'),
  secret: z.literal(false).exactOptional().describe('false: `npm run provider -- check` may show it.'),
  privateKey: z.literal(true).exactOptional().describe('It is a private key in PEM, for the assertion.'),
});

const address = z
  .union(
    [
      template,
      z.strictObject({ by: fieldName, of: z.record(z.string().min(1), template) }),
      z.strictObject({ purpose: sentence }),
    ],
    { error: 'must be an address such as "https://login.example.com", or {"by": …, "of": …}, or {"purpose": …}' },
  )
  .describe('An address; or one for each value of a field; or what the secret has to give as `baseUrl`.')
  .meta({ id: 'address' });

const request = z
  .strictObject({
    method: z.enum(['GET', 'POST', 'PUT']).default('POST'),
    url: template.describe('Begins with "{base}/" or "{apiBase}/". What a field fills is encoded.'),
    query: templateRecord.exactOptional().describe('What follows the "?". An entry without a value is left out.'),
    basic: z
      .strictObject({ user: template, password: template, encoded: z.literal(true).exactOptional() })
      .exactOptional()
      .describe('HTTP Basic (RFC 7617), byte for byte; `encoded`: form-encoded first, as RFC 6749 §2.3.1 has it.'),
    headers: headers.default({}).describe('An entry without a value is left out.'),
    form: templateRecord.exactOptional().describe('The body, form-encoded. An entry without a value is left out.'),
    json: z.record(z.string().min(1), jsonTemplate).exactOptional().describe('The body as JSON, however deep.'),
  })
  .meta({ id: 'request' });

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
const assertion = z.strictObject({
  algorithm: z.enum(ALGORITHMS).describe('How it is signed (RFC 7518 §3.1).'),
  key: fieldName.describe('The field with the private key.'),
  lifetime: durationText.default(minutes(3)).describe('How long the assertion is valid, by default "3m".'),
  header: templateRecord.default({}).describe('Apart from `alg` and `typ`: {"kid": "{keyId}"}.'),
  claims: z
    .record(z.string().min(1), jsonTemplate)
    .describe('`iat`, `exp` and `jti` are added; `aud` and `iss` are not.'),
});

const source = { path: path.exactOptional(), claim: path.exactOptional() };
const TIMES = ['seconds', 'milliseconds', 'epochSeconds', 'epochMilliseconds', 'date'] as const;
const expiry = z.strictObject({ path, as: z.enum(TIMES) });
const time = z
  .strictObject({ ...source, as: z.enum(TIMES) })
  .describe('Where a time is, in the answer or in the claims of its token: from now on, since 1970, or a date.');

const answer = z.strictObject({
  token: path.default('access_token').describe('Where the access token is.'),
  refreshToken: path.default('refresh_token').describe('Where the refresh token is, if there is one.'),
  expiry: z
    .union([expiry, z.literal('never stated')], {
      error: 'must be such as {"path": "expires_in", "as": "seconds"}, or "never stated"',
    })
    .default({ path: 'expires_in', as: 'seconds' })
    .describe('Where the end of the access token is; "never stated": it is valid for `lifetime`.'),
  sessionEnd: z
    .array(
      z.union([time, z.strictObject({ after: durationText.describe('So long after each answer.') })], {
        error: 'must be such as {"path": "refresh_expires_in", "as": "seconds"}, or {"after": "30d"}',
      }),
    )
    .default([])
    .describe('When the refresh token ends: the first that the answer has.'),
});

const fault = z.strictObject({
  status: z.int().min(100).max(599),
  grant: z.enum(['login', 'refresh']).exactOptional().describe('Only in answers to this; without it, to both.'),
  has: z.array(path).exactOptional().describe('Paths that the answer has.'),
  lacks: z.array(path).exactOptional().describe('Paths that it has not.'),
  equals: z
    .record(path, z.union([z.string(), z.number(), z.boolean()], { error: 'must be a text, a number, true or false' }))
    .exactOptional()
    .describe('What is at these paths: {"error": "expired"}.'),
  says: z
    .strictObject({ path, anyOf: z.array(z.string().min(1)).min(1) })
    .exactOptional()
    .describe('The text at the path has one of these in it, as whole words, in upper or lower case.'),
  means: z
    .enum(['refused', 'retry', 'rejected'])
    .describe('refused: it will never work; retry: ask again later; rejected: a person has to look if it stays so.'),
  code: z
    .string()
    .refine(isAnswerCode, { error: 'must be one of the error codes in docs/providers.md' })
    .meta({ description: 'What is reported and stored.', enum: answerCodes }),
});

const share = z.number().min(0.1).max(0.9);

export const definitionSchema = z.strictObject({
  $schema: z.string().exactOptional().describe('For editors: the path or address of provider.schema.json.'),
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, { error: 'must be 1 to 40 of a-z, 0-9 and "-", beginning with a letter' })
    .describe('Secrets are called token-refresher/<id>/<name>. A file has it as its name: <id>.json.'),
  title: sentence.max(100).describe('What people call the provider.'),
  source: sentence.describe('Where the vendor documents it.'),
  lifetime: durationText.describe('How long an access token lives, as the vendor documents it.'),
  fields: z.record(fieldName, field).default({}).describe('What a secret holds.'),
  alternatives: z
    .array(z.array(fieldName).min(1))
    .min(2)
    .exactOptional()
    .describe('Groups of fields of which the secret has one, or more: the first complete one is used.'),
  base: address.describe('Where the token endpoint is; `baseUrl` in a secret takes its place.'),
  apiBase: address.exactOptional().describe('Where the API is, if it is elsewhere.'),
  login: z
    .union([request.transform(one => [one]), z.array(request).max(2)], {
      error: 'must be a request such as {"url": "{base}/token", "form": {…}}, or a list of two',
    })
    .default([])
    .describe('One request, or two; the second may use what the first answered: "{answer.code}".'),
  redeem: z
    .strictObject({ field: fieldName, lifetime: durationText.exactOptional(), request: request.exactOptional() })
    .exactOptional()
    .describe(
      'What a person hands in once: a code, or the first refresh token. Without `request`: the refresh request.',
    ),
  refresh: request.exactOptional().describe('Sends "{refreshToken}": the one that the last answer had.'),
  sessionOf: z
    .array(fieldName)
    .min(1)
    .exactOptional()
    .describe('The fields that name the client and the user to whom a refresh token belongs.'),
  revoke: request
    .exactOptional()
    .describe('Ends "{token}" if the secret is deleted; it has only "{base}" apart from it.'),
  assertion: assertion.exactOptional().describe('A signed JWT (RFC 7523) that requests send as "{assertion}".'),
  answer: answer.prefault({}).describe('Where in the answer things are, if not where RFC 6749 has them.'),
  match: z
    .record(path, fieldName)
    .default({})
    .describe(
      'What must be the same in the answer, or the claims of its token, and in the secret: {"org_id": "orgId"}.',
    ),
  scopes: fieldName.exactOptional().describe('The field with the scopes: fewer that are granted are reported.'),
  consumer: z
    .strictObject({
      headers: headers.default({ Authorization: 'Bearer {token}' }).describe('An entry without a value is left out.'),
      baseUrl: z
        .union([template.transform(one => [one]), z.array(template).min(1)], {
          error: 'must be an address such as "{base}/v2", or a list of them',
        })
        .describe('The first of which all placeholders have values.'),
    })
    .describe('What those who use a token send, and where to.'),
  hosts: z
    .array(z.string().min(1))
    .min(1)
    .describe('Where token endpoint and API may be: "api.example.com", "*.example.com".'),
  errors: z.array(fault).default([]).describe('What unusual answers mean. The first that fits counts.'),
  rateLimit: z
    .strictObject({
      calls: z.int().min(1).max(5000),
      per: durationText,
      sharedBy: fieldName.exactOptional().describe('The field that it is counted by; without it, all share it.'),
    })
    .exactOptional()
    .describe('How many calls of the token endpoint the provider allows.'),
  locks: z
    .strictObject({ user: fieldName, password: fieldName })
    .exactOptional()
    .describe('The user and the password of a login that the provider locks after a few wrong tries.'),
  callDeadline: durationText.exactOptional().describe('How long to wait for an answer, if 8 seconds are not enough.'),
  refreshAt: share.exactOptional().describe('The share of a life after which a token is renewed, by default 0.5.'),
  renewWithin: durationText.exactOptional().describe('The provider renews a token only so short before its end.'),
  concurrency: z.int().min(1).max(50).default(4).describe('How many connections are refreshed at a time.'),
});

/** A definition as its file has it, and as the code uses it: with all defaults, durations in milliseconds. */
export type DefinitionFile = z.input<typeof definitionSchema>;
export type DefinitionData = z.output<typeof definitionSchema>;
export type RequestData = DefinitionData['login'][number];
export type TimeData = z.output<typeof time>;
