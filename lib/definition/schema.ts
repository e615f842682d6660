import * as z from 'zod';
import { answerCodes, isAnswerCode } from '../core/errors.ts';
import { minutes } from '../core/types.ts';
import { durationText, fieldName, headers, jsonTemplate, path, sentence, template, templateRecord } from './parts.ts';

/**
 * The schema of a definition. The messages say what to write; editors show the descriptions, by way of
 * docs/provider.schema.json (`npm run schema`); docs/providers.md explains each part.
 */

const field = z.strictObject({
  purpose: sentence.describe('The content of the field; completes a sentence that begins with "add".'),
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
    .describe('The value if it is left out: a text, or one of two that depend on another field.'),
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
  .describe(
    'An address; or one for each value of a field; or the purpose of `baseUrl`, which the secret must then have.',
  )
  .meta({ id: 'address' });

const request = z
  .strictObject({
    method: z.enum(['GET', 'POST', 'PUT']).default('POST'),
    url: template.describe('Begins with "{base}/" or "{apiBase}/". Values of fields are encoded.'),
    query: templateRecord.exactOptional().describe('The query after the "?". An entry without a value is left out.'),
    basic: z
      .strictObject({ user: template, password: template, encoded: z.literal(true).exactOptional() })
      .exactOptional()
      .describe('HTTP Basic (RFC 7617), byte for byte; `encoded`: form-encoded first, as RFC 6749 §2.3.1 has it.'),
    headers: headers.default({}).describe('An entry without a value is left out.'),
    form: templateRecord.exactOptional().describe('The body, form-encoded. An entry without a value is left out.'),
    json: z.record(z.string().min(1), jsonTemplate).exactOptional().describe('The body as JSON, nested as needed.'),
  })
  .meta({ id: 'request' });

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
const assertion = z.strictObject({
  algorithm: z.enum(ALGORITHMS).describe('The signature algorithm (RFC 7518 §3.1).'),
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
  .describe(
    'The path of a time in the answer or in the claims of its token: a duration, a time since 1970, or a date.',
  );

const answer = z.strictObject({
  token: path.default('access_token').describe('The path of the access token.'),
  refreshToken: path.default('refresh_token').describe('The path of the refresh token, if there is one.'),
  expiry: z
    .union([expiry, z.literal('never stated')], {
      error: 'must be such as {"path": "expires_in", "as": "seconds"}, or "never stated"',
    })
    .default({ path: 'expires_in', as: 'seconds' })
    .describe('The expiry of the access token; "never stated": it is valid for `lifetime`.'),
  sessionEnd: z
    .array(
      z.union([time, z.strictObject({ after: durationText.describe('The time from each answer.') })], {
        error: 'must be such as {"path": "refresh_expires_in", "as": "seconds"}, or {"after": "30d"}',
      }),
    )
    .default([])
    .describe('The end of the refresh token: the first of these that the answer has.'),
});

const fault = z.strictObject({
  status: z.int().min(100).max(599),
  grant: z.enum(['login', 'refresh']).exactOptional().describe('Only in answers to this grant; without it, to both.'),
  has: z.array(path).exactOptional().describe('Paths that the answer has.'),
  lacks: z.array(path).exactOptional().describe('Paths that the answer lacks.'),
  equals: z
    .record(path, z.union([z.string(), z.number(), z.boolean()], { error: 'must be a text, a number, true or false' }))
    .exactOptional()
    .describe('Values at these paths: {"error": "expired"}.'),
  says: z
    .strictObject({ path, anyOf: z.array(z.string().min(1)).min(1) })
    .exactOptional()
    .describe('The text at the path contains one of these as whole words, in upper or lower case.'),
  means: z
    .enum(['refused', 'retry', 'rejected'])
    .describe('refused: it will never work; retry: try again later; rejected: a person has to look if it persists.'),
  code: z
    .string()
    .refine(isAnswerCode, { error: 'must be one of the error codes in docs/providers.md' })
    .meta({ description: 'The code that is reported and stored.', enum: answerCodes }),
});

const share = z.number().min(0.1).max(0.9);

export const definitionSchema = z.strictObject({
  $schema: z.string().exactOptional().describe('For editors: the path or address of provider.schema.json.'),
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, { error: 'must be 1 to 40 of a-z, 0-9 and "-", beginning with a letter' })
    .describe('Secrets are named token-refresher/<id>/<name>. The file is named <id>.json.'),
  title: sentence.max(100).describe('What people call the provider.'),
  source: sentence.describe('Where the vendor documents it.'),
  lifetime: durationText.describe('How long an access token is valid, as the vendor documents it.'),
  fields: z.record(fieldName, field).default({}).describe('The fields of a secret.'),
  alternatives: z
    .array(z.array(fieldName).min(1))
    .min(2)
    .exactOptional()
    .describe('Groups of fields. A secret has at least one of them; the first complete one is used.'),
  base: address.describe('The address of the token endpoint; `baseUrl` in a secret replaces it.'),
  apiBase: address.exactOptional().describe('The address of the API, if it is another one.'),
  login: z
    .union([request.transform(one => [one]), z.array(request).max(2)], {
      error: 'must be a request such as {"url": "{base}/token", "form": {…}}, or a list of two',
    })
    .default([])
    .describe('One request, or two; the second may use the answer of the first: "{answer.code}".'),
  redeem: z
    .strictObject({ field: fieldName, lifetime: durationText.exactOptional(), request: request.exactOptional() })
    .exactOptional()
    .describe('A one-time code or first refresh token from a person. Without `request`, the refresh request sends it.'),
  refresh: request.exactOptional().describe('Sends "{refreshToken}" from the last answer.'),
  sessionOf: z
    .array(fieldName)
    .min(1)
    .exactOptional()
    .describe('The fields that identify the client and the user of a refresh token.'),
  revoke: request
    .exactOptional()
    .describe('Revokes "{token}" if the secret is deleted; besides it, only "{base}" is known.'),
  assertion: assertion.exactOptional().describe('A signed JWT (RFC 7523) that requests send as "{assertion}".'),
  answer: answer.prefault({}).describe('The paths in the answer, if they differ from RFC 6749.'),
  match: z
    .record(path, fieldName)
    .default({})
    .describe(
      'Values in the answer, or in the claims of its token, that must equal fields of the secret: {"org_id": "orgId"}.',
    ),
  scopes: fieldName.exactOptional().describe('The field with the scopes: if fewer are granted, that is reported.'),
  consumer: z
    .strictObject({
      headers: headers.default({ Authorization: 'Bearer {token}' }).describe('An entry without a value is left out.'),
      baseUrl: z
        .union([template.transform(one => [one]), z.array(template).min(1)], {
          error: 'must be an address such as "{base}/v2", or a list of them',
        })
        .describe('The first address whose placeholders all have values.'),
    })
    .describe('The headers and the base URL for consumers of a token.'),
  hosts: z
    .array(z.string().min(1))
    .min(1)
    .describe('The allowed hosts of token endpoint and API: "api.example.com", "*.example.com".'),
  errors: z.array(fault).default([]).describe('What unusual answers mean. The first rule that matches is used.'),
  rateLimit: z
    .strictObject({
      calls: z.int().min(1).max(5000),
      per: durationText,
      sharedBy: fieldName
        .exactOptional()
        .describe('Connections with the same value of this field share the limit; without it, all share it.'),
    })
    .exactOptional()
    .describe('How many calls of the token endpoint the provider allows.'),
  locks: z
    .strictObject({ user: fieldName, password: fieldName })
    .exactOptional()
    .describe('The user and the password of a login that the provider locks after a few wrong tries.'),
  callDeadline: durationText.exactOptional().describe('How long to wait for an answer, if 8 seconds are not enough.'),
  refreshAt: share
    .exactOptional()
    .describe('The share of its lifetime after which a token is renewed, by default 0.5.'),
  renewWithin: durationText.exactOptional().describe('The provider renews a token only this close to its end.'),
  concurrency: z.int().min(1).max(50).default(4).describe('How many connections are refreshed at a time.'),
});

/** A definition as its file has it, and as the code uses it: with all defaults, durations in milliseconds. */
export type DefinitionFile = z.input<typeof definitionSchema>;
export type DefinitionData = z.output<typeof definitionSchema>;
export type RequestData = DefinitionData['login'][number];
export type TimeData = z.output<typeof time>;
