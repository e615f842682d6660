import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { seconds } from '../../lib/core/types.ts';
import { type Definition, defineProvider } from '../../lib/definition/define.ts';

const request = { method: 'POST', url: 'https://login.test/token', headers: {} } as const;

const define = (change: Partial<Definition<z.ZodObject>>) =>
  defineProvider({
    id: 'slow-provider',
    title: 'Slow',
    lifetime: seconds(3600),
    expiresIn: 'seconds',
    concurrency: 1,
    hosts: ['login.test'],
    secret: z.object({}),
    base: () => 'https://login.test',
    logIn: () => request,
    usage: () => ({ headers: {}, baseUrl: 'https://login.test' }),
    ...change,
  });
const session = { refresh: () => request, client: () => [] };
const exchange = () => request;
const rateLimit = { calls: 1, per: seconds(1) };

describe('a definition', () => {
  it.each([
    ['a login', {}, 1],
    ['a refresh grant and a login', { session }, 2],
    ['a login in two steps', { exchange }, 2],
    ['a refresh grant and a login in two steps', { session, exchange }, 3],
  ])('with %s counts the calls of a run', (_, change, calls) => {
    expect(define(change).callsPerRun).toBe(calls);
  });

  it.each([
    ['a login', {}, 33_000],
    ['a refresh grant', { session }, 16_500],
    ['a refresh grant and a login in two steps', { session, exchange }, 11_000],
    ['a rate limit', { rateLimit, session }, 15_000],
  ])('with %s has a longest deadline of a call', (_, change, longest) => {
    expect(define({ ...change, callDeadline: longest }).callDeadline).toBe(longest);
    const refused = `"callDeadline" of slow-provider must be 1000 to ${longest} milliseconds, got ${longest + 1}.`;
    expect(() => define({ ...change, callDeadline: longest + 1 })).toThrow(new RangeError(refused));
  });

  it.each([0, -1, 8, Number.NaN, Number.POSITIVE_INFINITY])('refuses a deadline of %d ms', callDeadline => {
    expect(() => define({ callDeadline })).toThrow(/^"callDeadline" of slow-provider must be 1000 to 33000 /);
  });

  it('that says nothing of a deadline has the policy’s', () => {
    expect(define({})).not.toHaveProperty('callDeadline');
  });
});

describe('a login that locks', () => {
  const loginOf = (user: string) => {
    const opened = define({ lockable: () => ({ user, password: 'P' }) }).open({});
    return opened.ok ? opened.account.login : undefined;
  };
  const login = loginOf('svc@x.no');

  it.each(['SVC@x.no', 'svc@X.NO'])('is the same in upper and lower case: %s', user => {
    expect(loginOf(user)).toEqual(login);
  });

  it.each(['svc@x.no ', ' svc@x.no'])(
    'counts for the same user with a space around it, which may be corrected: "%s"',
    user => {
      expect(loginOf(user)?.key).toBe(login?.key);
      expect(loginOf(user)?.text).not.toBe(login?.text);
    },
  );

  it('is another user’s otherwise', () => {
    expect(loginOf('svc2@x.no')?.key).not.toBe(login?.key);
  });
});
