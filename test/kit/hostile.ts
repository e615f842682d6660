import fc from 'fast-check';
import type { HttpReply } from '../../lib/core/provider.ts';

/** Answers of a broken or malicious provider. */

const strings = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '0',
    '-1',
    '1e999',
    'NaN',
    'Infinity',
    'a\r\nx-injected: 1',
    'a\u0000b',
    '\ud800',
    '\u2028',
    '€',
    'https://evil.test',
    'http://evil.test',
    'javascript:alert(1)',
    'file:///etc/passwd',
    '//evil.test',
    'https://user:password@evil.test',
    'https://evil.test/?a=1#b',
    'http://127.0.0.1:1/a//b/',
    'constructor',
    '__proto__',
    'invalid_grant',
    'temporarily_unavailable',
    'a.b.c',
    '..',
  ),
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const numbers = fc.oneof(
  fc.constantFrom(0, -0, -1, 1e-9, 1, 600, 3599, 14_400_000, 2 ** 31, 2 ** 53, 1e21, 1e308, -1e308, 4e12),
  fc.integer(),
  fc.double(),
);
const values = fc.oneof(
  strings,
  numbers,
  fc.jsonValue(),
  fc.constantFrom(null, true, false, [], {}, [[]], { toString: 'x' }, { toString: 1 }, { valueOf: null }),
  fc.constantFrom(1e300, -1e300, 9e15, 1e16, -0, 5e-324, 2 ** 53, 4e12),
  fc.constantFrom('\ud800', '\r\nx: y', 'a'.repeat(300_000), '1e400', ' 7 '),
);

const keys = fc.oneof(
  fc.constantFrom(
    'access_token',
    'expires_in',
    'refresh_token',
    'refresh_expires_in',
    'token_type',
    'error',
    'scope',
    'svc',
    'org_id',
    'code',
    'errorDescription',
    'not-before-policy',
    'success',
    'message',
    'statusCode',
    '__proto__',
    'constructor',
    'toString',
  ),
  fc.string(),
);

const encoded = (text: string) => Buffer.from(text, 'utf8').toString('base64url');
/** A JWT with arbitrary claims. */
const jwts = fc
  .array(fc.tuple(fc.constantFrom('exp', 'iat', 'svc', 'org_id', 'nbf', 'aud', '__proto__'), values), { maxLength: 4 })
  .map(claims => `${encoded('{"alg":"none"}')}.${encoded(written(claims))}.s`);

/** As text: it may contain names like `__proto__`, and the same name twice. */
const written = (fields: readonly (readonly [string, unknown])[]): string =>
  `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'}`).join(',')}}`;

/** A good answer with some of its fields replaced, others added, and perhaps truncated. */
const bodies = (good: object) =>
  fc.oneof(
    { weight: 6, arbitrary: changed(good) },
    {
      weight: 2,
      arbitrary: fc.tuple(changed(good), fc.double({ min: 0, max: 1, noNaN: true })).map(([text, share]) => {
        return text.slice(0, Math.floor(text.length * share));
      }),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.uint8Array().map(bytes => Buffer.from(bytes).toString('utf8')) },
    { weight: 1, arbitrary: fc.constantFrom('', 'null', '[]', '<html></html>', '{"error":{}}', '['.repeat(5000)) },
  );
const changed = (good: object) =>
  fc
    .array(
      fc.oneof(
        fc.tuple(keys, values),
        fc.tuple(fc.constant('access_token'), fc.oneof(jwts, strings)),
        fc.tuple(fc.constant('expires_in'), numbers),
      ),
      { maxLength: 5 },
    )
    .map(fields => written([...Object.entries(good), ...fields]));

const statuses = fc.oneof(
  { weight: 6, arbitrary: fc.constant(200) },
  { weight: 3, arbitrary: fc.constantFrom(201, 204, 301, 302, 307, 400, 401, 403, 404, 408, 425, 429, 500, 502, 503) },
  { weight: 1, arbitrary: fc.oneof(fc.integer(), fc.constantFrom(0, -1, 99, 600, Number.NaN)) },
);
const headers = fc.oneof(
  fc.constant<Record<string, string>>({}),
  fc.record({ 'retry-after': fc.oneof(strings, numbers.map(String)), location: strings }),
  fc.dictionary(fc.oneof(fc.constantFrom('__proto__', 'constructor'), fc.string()), fc.string()),
);

export const hostileReplies = (good: object): fc.Arbitrary<HttpReply> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .tuple(statuses, headers, bodies(good))
        .map(([status, given, body]): HttpReply => ({ kind: 'answer', status, headers: given, body })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('timeout', 'network', 'answer_too_large', 'address_refused'), fc.boolean())
        .map(([code, sent]): HttpReply => ({ kind: 'failed', code, sent })),
    },
  );
