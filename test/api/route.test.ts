import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HttpQuestion, route } from '../../lib/api/route.ts';

const ask = (method: string, path: string, query: HttpQuestion['query'] = {}) => route({ method, path, query });
const problemOf = (method: string, path: string, query: HttpQuestion['query'] = {}) => {
  const found = ask(method, path, query);
  if (!('status' in found)) throw new Error(`${method} ${path} leads to ${found.to}`);
  return { ...found, json: JSON.parse(found.body) };
};

describe('paths', () => {
  it('leads readers to a token, with a minute of life unless they say otherwise', () => {
    expect(ask('GET', '/tokens/petrosoft/acme')).toEqual({
      to: 'token',
      connection: 'petrosoft/acme',
      minTtl: 60_000,
    });
    expect(ask('GET', '/tokens/petrosoft/acme', { minTtl: '0' })).toMatchObject({ minTtl: 0 });
    expect(ask('GET', '/tokens/petrosoft/acme', { minTtl: '86400' })).toMatchObject({ minTtl: 86_400_000 });
  });

  it('leads consumers to a forced refresh and operators to the list', () => {
    expect(ask('POST', '/tokens/petrosoft/acme/refresh')).toEqual({ to: 'refresh', connection: 'petrosoft/acme' });
    expect(ask('GET', '/connections')).toEqual({ to: 'connections' });
  });

  it('takes one slash at the end, and percent-encoding of what needs none', () => {
    expect(ask('GET', '/connections/')).toEqual({ to: 'connections' });
    expect(ask('GET', '/tokens/petrosoft/%61cme/')).toMatchObject({ connection: 'petrosoft/acme' });
  });

  it.each([
    '/',
    '',
    '//',
    '/tokens',
    '/tokens/',
    '/tokens/petrosoft',
    '/tokens/petrosoft/',
    '/tokens//acme',
    '//tokens/petrosoft/acme',
    '/tokens/petrosoft/acme/renew',
    '/tokens/petrosoft/acme/refresh/now',
    '/tokens/petrosoft/acme//refresh',
    '/connections/petrosoft',
    '/Connections',
    '/TOKENS/petrosoft/acme',
  ])('has nothing at "%s"', path => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(problemOf(method, path)).toMatchObject({ status: 404, json: { code: 'not_found', status: 404 } });
    }
  });
});

describe('methods', () => {
  it.each([
    ['/connections', 'GET'],
    ['/tokens/petrosoft/acme', 'GET'],
    ['/tokens/petrosoft/acme/refresh', 'POST'],
  ])('at %s only %s is allowed, and the answer says so in Allow', (path, allowed) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get'].filter(
      each => each !== allowed,
    )) {
      const problem = problemOf(method, path);
      expect(problem).toMatchObject({ status: 405, json: { code: 'method_not_allowed' } });
      expect(problem.headers.allow).toBe(allowed);
    }
  });
});

describe('malformed requests', () => {
  it.each([
    '/tokens/Petrosoft/acme',
    '/tokens/pet%2Frosoft/acme',
    '/tokens/petrosoft/a%2Fb',
    '/tokens/petrosoft/a%20b',
    '/tokens/petrosoft/a%0ab',
    '/tokens/petrosoft/..',
    '/tokens/petrosoft/-acme',
    '/tokens/petrosoft/acmé',
    `/tokens/petrosoft/${'x'.repeat(101)}`,
    `/tokens/${'x'.repeat(41)}/acme`,
    '/tokens/petrosoft/%00',
    '/tokens/petrosoft/%',
    '/tokens/petrosoft/%c3',
    '/%zz',
  ])('says that %s names no connection', path => {
    expect(problemOf('GET', path)).toMatchObject({ status: 400, json: { code: 'malformed_request' } });
  });

  it.each(['', ' ', '-1', '+1', '1.5', '1e3', '0x10', 'abc', '60,60', '86401', '99999', '100000', '٣', 'NaN', ' 60'])(
    'refuses minTtl "%s", naming the parameter',
    minTtl => {
      const problem = problemOf('GET', '/tokens/petrosoft/acme', { minTtl });
      expect(problem).toMatchObject({ status: 400, json: { code: 'malformed_request' } });
      expect(problem.json.detail).toContain('"minTtl"');
    },
  );

  it('never throws, and never repeats what was sent', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'PUT'),
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.webPath(),
          fc.string().map(name => `/tokens/petrosoft/planted-${name}`),
        ),
        fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
        (method, path, minTtl) => {
          const found = ask(method, path, { minTtl });
          if (!('status' in found)) return;
          expect([400, 404, 405]).toContain(found.status);
          expect(found.body).not.toContain('planted-');
        },
      ),
    );
  });
});
