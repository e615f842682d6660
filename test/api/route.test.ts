import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursorOf, type HttpQuestion, route } from '../../lib/api/route.ts';
import { idOf } from '../kit/records.ts';
import { textOf } from '../kit/repository.ts';

const call = (method: string, path: string, query: HttpQuestion['query'] = {}, body?: string) =>
  route({ method, path, query, ...(body !== undefined && { body }) });
const problemOf = (...question: Parameters<typeof call>) => {
  const found = call(...question);
  if (!('status' in found)) throw new Error(`${question[0]} ${question[1]} leads to ${found.to}`);
  return { ...found, json: JSON.parse(found.body) };
};
const issuedAt = '2026-01-01T12:00:00.123Z';

describe('paths', () => {
  it.each(['petrosoft/acme', 'petrosoft/acme/oslo', 'poweroffice-v2/A.b_c-d/1'])(
    'lead readers to the token of %s, with a minute of life unless they want another',
    connection => {
      expect(call('GET', `/tokens/${connection}`)).toEqual({ to: 'token', connection, minTtl: 60_000 });
      expect(call('GET', `/tokens/${connection}`, { minTtl: '0' })).toMatchObject({ minTtl: 0 });
      expect(call('GET', `/tokens/${connection}`, { minTtl: '86400' })).toMatchObject({ minTtl: 86_400_000 });
    },
  );

  it.each(['petrosoft/acme', 'petrosoft/acme/oslo'])('lead consumers of %s to a forced refresh', connection => {
    const body = JSON.stringify({ issuedAt });
    const refresh = { to: 'refresh', connection, issuedAt: Date.parse(issuedAt) };
    expect(call('POST', `/tokens/${connection}`, {}, body)).toEqual(refresh);
  });

  const destinations = [...textOf('lib/api/route.ts').matchAll(/readonly to: '(\w+)'/g)].map(([, to = '']) => to);
  it.each(destinations)('that lead to "%s" have a test here', to => {
    expect(textOf('test/api/route.test.ts')).toContain(`to: '${to}'`);
  });

  it('lead operators to the list', () => {
    expect(call('GET', '/connections')).toEqual({ to: 'connections', limit: 100 });
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
    '/tokens/petrosoft//acme',
    '/tokens/petrosoft/acme/',
    '/tokens/petrosoft/acme/oslo/',
    '/tokens/petrosoft/acme//oslo',
    '/tokens/petrosoft/acme/oslo/more',
    '/tokens/petrosoft/acme/../other',
    '/tokens/petrosoft/./acme',
    '/tokens/petrosoft/..',
    '/tokens/petrosoft/acme/..',
    '/tokens/petrosoft/.acme',
    '/tokens/petrosoft/%61cme',
    '/tokens/petrosoft%2Facme',
    '/tokens/petrosoft/a%2Fb',
    '/tokens/petrosoft/acme%00',
    '/tokens/petrosoft/acme%0a',
    '/tokens/petrosoft/acme\n',
    '/tokens/petrosoft/acme?x',
    '/tokens/petrosoft/a b',
    '/tokens/petrosoft/-acme',
    '/tokens/petrosoft/acmé',
    '/tokens/Petrosoft/acme',
    '/tokens/pet_rosoft/acme',
    '/%74okens/petrosoft/acme',
    `/tokens/petrosoft/${'x'.repeat(101)}`,
    `/tokens/${'x'.repeat(41)}/acme`,
    '/%zz',
    '/connections/',
    '/connections/petrosoft',
    '/%63onnections',
    '/Connections',
    '/TOKENS/petrosoft/acme',
    'tokens/petrosoft/acme',
  ])('are written in one way only: "%s" is not found', path => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(problemOf(method, path)).toMatchObject({ status: 404, json: { code: 'not_found', status: 404 } });
    }
  });
});

describe('methods', () => {
  it.each([
    ['/connections', ['GET']],
    ['/tokens/petrosoft/acme', ['GET', 'POST']],
    ['/tokens/petrosoft/acme/oslo', ['GET', 'POST']],
  ])('at %s only %s are allowed, and the answer lists them in Allow', (path, allowed) => {
    const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get'].filter(
      each => !allowed.includes(each),
    );
    for (const method of others) {
      const problem = problemOf(method, path);
      expect(problem).toMatchObject({ status: 405, json: { code: 'method_not_allowed' } });
      expect(problem.headers.allow).toBe(allowed.join(', '));
    }
  });
});

describe('malformed requests', () => {
  const refused = (parameter: string, ...question: Parameters<typeof call>) => {
    const problem = problemOf(...question);
    expect(problem).toMatchObject({ status: 400, json: { code: 'malformed_request' } });
    expect(problem.json.detail).toContain(`"${parameter}"`);
  };

  it.each(['', ' ', '-1', '+1', '1.5', '1e3', '0x10', 'abc', '60,60', '86401', '99999', '100000', '٣', 'NaN', ' 60'])(
    'refuses minTtl "%s", naming the parameter',
    minTtl => refused('minTtl', 'GET', '/tokens/petrosoft/acme', { minTtl }),
  );

  it.each(['', '0', '501', '-1', '1.5', 'ten', '10,10', ' 10'])('refuses limit "%s", naming the parameter', limit =>
    refused('limit', 'GET', '/connections', { limit }),
  );

  it.each(['', 'living', 'new,', 'new, healthy', 'NEW', 'retired'])(
    'refuses status "%s", naming the parameter',
    status => refused('status', 'GET', '/connections', { status }),
  );

  it.each([
    '',
    'petrosoft/acme',
    'null',
    Buffer.from('acme').toString('base64url'),
    Buffer.from('petrosoft/../x').toString('base64url'),
    Buffer.from('petrosoft/acme').toString('base64url').slice(0, -1),
    `${Buffer.from('petrosoft/acme').toString('base64url')}!`,
    `${Buffer.from('petrosoft/acme1').toString('base64')}`.replace(/=*$/, '=='),
  ])('refuses cursor "%s", naming the parameter', cursor => refused('cursor', 'GET', '/connections', { cursor }));

  it('understands its own cursors, limits and statuses', () => {
    const after = idOf('acme/oslo', 'petrosoft');
    const query = { cursor: cursorOf(after), limit: '500', status: 'new,expired', provider: 'petrosoft' };
    expect(call('GET', '/connections', query)).toEqual({
      to: 'connections',
      limit: 500,
      after,
      statuses: ['new', 'expired'],
      provider: 'petrosoft',
    });
  });

  it.each([
    undefined,
    '',
    'null',
    '[]',
    '"2026-01-01T12:00:00.000Z"',
    '{}',
    '{"issuedAt":1767268800000}',
    '{"issuedAt":"2026-01-01"}',
    '{"issuedAt":"2026-01-01T12:00:00Z"}',
    '{"issuedAt":"2026-01-01T13:00:00.000+01:00"}',
    '{"issuedAt":"2026-02-30T12:00:00.000Z"}',
    '{"issuedAt":"now"}',
    '{"issuedAt":{"toString":1}}',
    '{"issuedAt":["2026-01-01T12:00:00.000Z"]}',
    'issuedAt=2026-01-01T12:00:00.000Z',
    `{"issuedAt":"2026-01-01T12:00:00.000Z","more":"${'x'.repeat(1024)}"}`,
  ])('refuses the body %j of a forced refresh, naming the field', body =>
    refused('issuedAt', 'POST', '/tokens/petrosoft/acme', {}, body),
  );

  it('never throws, and never repeats what was sent', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'PUT'),
        fc.oneof(
          text,
          fc.webPath(),
          fc.constantFrom('/tokens/petrosoft/acme', '/connections'),
          fc.string().map(name => `/tokens/petrosoft/planted-${name}`),
        ),
        fc.dictionary(fc.constantFrom('minTtl', 'limit', 'cursor', 'status', 'provider'), text),
        fc.option(fc.oneof(text, fc.json()), { nil: undefined }),
        (method, path, query, body) => {
          const found = call(method, path, query, body);
          if (!('status' in found)) return;
          expect([400, 404, 405]).toContain(found.status);
          expect(found.body).not.toContain('planted-');
        },
      ),
    );
  });
});
