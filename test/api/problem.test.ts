import { describe, expect, it } from 'vitest';
import type { ProblemCode } from '../../lib/api/answers.ts';
import { jsonAnswer, problem } from '../../lib/api/problem.ts';
import { idOf } from '../kit/records.ts';

const statuses: Readonly<Record<ProblemCode, number>> = {
  malformed_request: 400,
  not_found: 404,
  unknown_connection: 404,
  method_not_allowed: 405,
  too_many_refreshes: 429,
  internal_error: 500,
  refresh_in_progress: 503,
  no_valid_token: 503,
  refresh_failed: 503,
};

describe('a problem document (RFC 9457)', () => {
  it.each(Object.entries(statuses) as [ProblemCode, number][])('%s has a stable code and status %i', (code, status) => {
    const answer = problem(code, 'What is wrong.');
    expect(answer.status).toBe(status);
    expect(answer.headers).toEqual({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
    expect(JSON.parse(answer.body)).toEqual({
      type: `urn:token-refresher:problem:${code}`,
      title: expect.stringMatching(/^[A-Z].+[^.]$/),
      status,
      code,
      detail: 'What is wrong.',
    });
  });

  it('has a type that is an absolute URI', () => {
    for (const code of Object.keys(statuses) as ProblemCode[]) {
      expect(URL.canParse(JSON.parse(problem(code, '').body).type)).toBe(true);
    }
  });

  it('adds its details to the members of the standard, and headers to its own', () => {
    const more = { connection: idOf('acme'), reason: 'timeout', since: '2026-01-01T00:00:00.000Z' } as const;
    const answer = problem('no_valid_token', 'Later.', more, { 'retry-after': '7' });
    expect(JSON.parse(answer.body)).toMatchObject(more);
    expect(answer.headers).toMatchObject({ 'retry-after': '7', 'cache-control': 'no-store' });
  });
});

it('an answer that holds tokens is not to be stored by anyone', () => {
  expect(jsonAnswer({}).headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' });
});
