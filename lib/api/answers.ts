import * as z from 'zod';
import { errorCodes } from '../core/errors.ts';
import { connectionStatuses, moment } from './parameters.ts';

/**
 * The schemas of answers. `npm run schema` writes them to docs/openapi.json, and the API has its types from them. Import
 * only types: the function would build the schemas at each cold start, and answers need no check.
 */

const maybeMoment = (description: string) => moment.nullable().meta({ description });

export const connectionStatus = z.enum(connectionStatuses).meta({
  description:
    'new: not refreshed yet. healthy: the token is valid. failing: the last refresh failed and is retried. attention: a person has to act. expired: nothing failed, but nothing refreshed it in time.',
});

export const tokenAnswer = z
  .strictObject({
    connection: z.string().meta({ description: '<provider>/<name> or <provider>/<name>/<key>.' }),
    accessToken: z.string(),
    tokenType: z.string().meta({ example: 'Bearer' }),
    issuedAt: moment,
    expiresAt: moment,
    expiresIn: z.int().meta({ description: 'Whole seconds, rounded down.' }),
    headers: z.record(z.string(), z.string()).meta({ description: 'Send them as they are.' }),
    baseUrl: z.string().meta({ description: 'The address of the API that takes the token.' }),
  })
  .meta({ id: 'Token' });
export type TokenView = z.input<typeof tokenAnswer>;

const lastError = z.strictObject({
  code: z.enum(errorCodes),
  at: moment,
  status: z.int().optional().meta({ description: 'The HTTP status of the provider.' }),
  fields: z.array(z.string()).readonly().optional().meta({ description: 'The fields of the secret that are wrong.' }),
});

export const connectionAnswer = z
  .strictObject({
    connection: z.string(),
    status: connectionStatus,
    issuedAt: maybeMoment('When the token was issued.'),
    expiresAt: maybeMoment('When the token expires.'),
    dueAt: moment.meta({ description: 'When the connection next needs work.' }),
    failures: z.int().meta({ description: 'Failures in a row.' }),
    failingSince: maybeMoment('Since when it fails.'),
    lastError: lastError.nullable(),
    credentialsExpireAt: maybeMoment('What the secret says in "expires".'),
    sessionEndsAt: maybeMoment('When the refresh token expires.'),
    tags: z.record(z.string(), z.string()).readonly().meta({ description: 'The tags in the secret.' }),
  })
  .meta({ id: 'Connection' });
export type ConnectionView = z.input<typeof connectionAnswer>;

export const listAnswer = z
  .strictObject({
    connections: z.array(connectionAnswer),
    cursor: z.string().nullable().meta({ description: 'Leads to the next page; null at the end.' }),
  })
  .meta({ id: 'Connections' });

export const problemCodes = [
  'malformed_request',
  'not_found',
  'unknown_connection',
  'method_not_allowed',
  'too_many_refreshes',
  'refresh_in_progress',
  'no_valid_token',
  'refresh_failed',
  'internal_error',
] as const;
export type ProblemCode = (typeof problemCodes)[number];

/** An RFC 9457 problem document. `code` is stable; `title` and `detail` are for people and may change. */
export const problemDocument = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(problemCodes),
    detail: z.string(),
    connection: z.string().optional(),
    reason: z.enum(errorCodes).optional().meta({ description: 'The code of the last error of the connection.' }),
    since: moment.optional().meta({ description: 'Since when.' }),
  })
  .meta({ id: 'Problem' });
export type ProblemDocument = z.input<typeof problemDocument>;
