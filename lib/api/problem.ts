import type { ProblemCode, ProblemDocument } from './answers.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The status and the title of each code. */
export const titles: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  malformed_request: [400, 'The request is malformed'],
  not_found: [404, 'There is nothing at this path'],
  unknown_connection: [404, 'There is no such connection'],
  method_not_allowed: [405, 'The method is not allowed here'],
  too_many_refreshes: [429, 'A refresh was forced a moment ago'],
  refresh_in_progress: [503, 'A refresh is in progress'],
  no_valid_token: [503, 'There is no valid token'],
  refresh_failed: [503, 'The token could not be refreshed'],
  internal_error: [500, 'The token refresher has a fault'],
};

type Details = Pick<ProblemDocument, 'connection' | 'reason' | 'since'>;

export const problem = (
  code: ProblemCode,
  detail: string,
  more: Details = {},
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer => {
  const [status, title] = titles[code];
  const document: ProblemDocument = {
    type: `urn:token-refresher:problem:${code}`,
    title,
    status,
    code,
    detail,
    ...more,
  };
  return {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(document),
  };
};

export const jsonAnswer = (value: unknown): HttpAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(value),
});
