import { jsonObject } from '../core/json.ts';
import { type ConnectionId, type EpochMs, type Milliseconds, parseConnectionId, seconds } from '../core/types.ts';
import { type ConnectionStatus, connectionStatuses, limit, minTtl, momentIn } from './parameters.ts';
import { type HttpAnswer, problem } from './problem.ts';

export interface HttpQuestion {
  readonly method: string;
  /** The path exactly as the gateway received it. */
  readonly path: string;
  /** The values of a repeated parameter are joined by commas. */
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

export interface ListRequest {
  readonly limit: number;
  /** The page begins after this id. */
  readonly after?: ConnectionId;
  readonly statuses?: readonly ConnectionStatus[];
  readonly provider?: string;
}

export type Route =
  | { readonly to: 'token'; readonly connection: ConnectionId; readonly minTtl: Milliseconds }
  | { readonly to: 'refresh'; readonly connection: ConnectionId; readonly issuedAt: EpochMs }
  | ({ readonly to: 'connections' } & ListRequest);

/** In characters; `{"issuedAt": "…"}` has 42. */
const LARGEST_BODY = 1024;

/**
 * The route of a request, or the problem with it. Each resource has exactly one path: any other spelling is not found,
 * so an IAM policy for a path covers everything that the path serves.
 */
export const route = (question: HttpQuestion): Route | HttpAnswer => {
  const { method, path } = question;
  if (path === '/connections') return method === 'GET' ? listOf(question) : notAllowed('GET');
  const connection = path.startsWith('/tokens/') ? parseConnectionId(path.slice('/tokens/'.length)) : undefined;
  if (!connection) {
    const paths = '/tokens/{provider}/{name}, /tokens/{provider}/{name}/{key} and /connections';
    return problem('not_found', `The API has ${paths}, without percent-encoding and without a slash at the end.`);
  }
  if (method === 'GET') return tokenOf(connection, question);
  return method === 'POST' ? refreshOf(connection, question) : notAllowed('GET, POST');
};

const tokenOf = (connection: ConnectionId, { query }: HttpQuestion): Route | HttpAnswer => {
  const number = numberIn(query.minTtl, minTtl);
  if (number === undefined) return malformed(`"minTtl" must be a whole number of seconds ${rangeOf(minTtl)}.`);
  return { to: 'token', connection, minTtl: seconds(number) };
};

const refreshOf = (connection: ConnectionId, { body = '' }: HttpQuestion): Route | HttpAnswer => {
  const issuedAt = body.length <= LARGEST_BODY ? momentIn(jsonObject(body)) : undefined;
  if (issuedAt !== undefined) return { to: 'refresh', connection, issuedAt };
  const example = '{"issuedAt": "2026-01-01T12:00:00.000Z"}';
  return malformed(`The body must be JSON such as ${example}: the "issuedAt" of the token that the provider refused.`);
};

const listOf = ({ query }: HttpQuestion): Route | HttpAnswer => {
  const most = numberIn(query.limit, limit);
  if (most === undefined) return malformed(`"limit" must be a whole number ${rangeOf(limit)}.`);
  const after = query.cursor === undefined ? undefined : idOfCursor(query.cursor);
  if (query.cursor !== undefined && !after) return malformed('"cursor" must be the "cursor" of an earlier answer.');
  const statuses = query.status?.split(',').map(text => connectionStatuses.find(status => status === text));
  if (statuses?.includes(undefined)) {
    return malformed(`"status" must be one or several of ${connectionStatuses.join(', ')}, with commas between them.`);
  }
  return {
    to: 'connections',
    limit: most,
    ...(after && { after }),
    ...(statuses && { statuses: statuses.filter(status => status !== undefined) }),
    ...(query.provider !== undefined && { provider: query.provider }),
  };
};

/** Hides the position in the list from clients, so its format may change. */
export const cursorOf = (last: ConnectionId): string => Buffer.from(last, 'utf8').toString('base64url');

const idOfCursor = (cursor: string): ConnectionId | undefined => {
  const id = parseConnectionId(Buffer.from(cursor, 'base64url').toString('utf8'));
  return id && cursorOf(id) === cursor ? id : undefined;
};

type WholeNumber = typeof minTtl | typeof limit;

/** Decimal digits only: `1e3`, `0x10` and ` 5` are other spellings. */
const numberIn = (text: string | undefined, schema: WholeNumber): number | undefined => {
  if (text !== undefined && !/^\d{1,5}$/.test(text)) return undefined;
  return schema.safeParse(text === undefined ? undefined : Number(text)).data;
};

const rangeOf = (schema: WholeNumber): string => {
  const { minValue, maxValue } = schema.unwrap();
  return `from ${minValue} to ${maxValue}`;
};

const malformed = (detail: string): HttpAnswer => problem('malformed_request', detail);

const notAllowed = (allowed: string): HttpAnswer =>
  problem('method_not_allowed', `This path takes ${allowed} only.`, {}, { allow: allowed });
