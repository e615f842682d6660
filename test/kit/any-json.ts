import fc from 'fast-check';
import type { HttpReply } from '../../lib/core/provider.ts';

/** JSON as text: `-0`, `1e400`, lone surrogates and names like `__proto__` reach the reader unchanged. */

const quoted = (text: string): string => JSON.stringify(text);

const strings = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('', ' ', '0', '-1', '9e15', '1e300', '1e999', 'NaN', 'Infinity').map(quoted),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom('a\r\nx: y', 'a\u0000b', '\u007f', '\ud800', 'a\udfff', '\u2028', '€', 'é').map(quoted),
  },
  { weight: 4, arbitrary: fc.constantFrom('https://a.test', 'invalid_grant', 'constructor', '__proto__').map(quoted) },
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map(quoted) },
  // Around the limits of sizes, and far beyond them.
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom('a', 'é', 'https://a.test/'),
        fc.constantFrom(2048, 16_384, 16_385, 32_768, 210_000, 300_000),
      )
      .map(([start, length]) => quoted(start.padEnd(length, start.at(-1)))),
  },
);

const numbers = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '-1',
    '1',
    '600',
    '0.5',
    '1e-9',
    '3600000',
    '1767225700',
    '4e9',
    '9e15',
    '9007199254740993',
  ),
  fc.constantFrom('1e21', '1e300', '-1e300', '1e308', '1e400', '-1e400'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);

const others = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '[]', '{}', '[[]]', '["a"]', '[600]', '{"a":{"b":[1]}}'),
  fc.constantFrom(
    '{"toString":1}',
    '{"valueOf":1,"toString":null}',
    '{"__proto__":{"a":1}}',
    '{"toJSON":1,"length":1}',
  ),
  fc.constantFrom(`${'['.repeat(2000)}${']'.repeat(2000)}`),
  fc.json(),
);

/** Any JSON value. */
export const anyJson: fc.Arbitrary<string> = fc.oneof(strings, numbers, others);

/** An object with any value for each known name; of a repeated name the last value counts. */
const objectOf = (good: object, names: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.constantFrom(...names), anyJson), { minLength: 1, maxLength: 3 })
    .map(changed => [...Object.entries(good).map(([name, value]) => [name, quoted(value)]), ...changed])
    .map(fields => `{${fields.map(([name = '', value]) => `${quoted(name)}:${value}`).join(',')}}`);

export const FIELDS = [
  ...['access_token', 'token_type', 'expires_in', 'refresh_token', 'refresh_expires_in', 'scope', 'svc', 'org_id'],
  ...['error', 'error_description', 'code', 'message', 'success', 'statusCode', 'http_code', 'exp', '__proto__'],
];
const CLAIMS = ['exp', 'iat', 'nbf', 'svc', 'org_id', 'sub', 'scope', '__proto__'];

const part = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');

/** An answer with a token of any claims, or with any value in any field. */
const bodyOf = (good: object, claims: object): fc.Arbitrary<string> =>
  fc.oneof(
    objectOf(good, FIELDS),
    objectOf(claims, CLAIMS).map(text =>
      JSON.stringify({ ...good, access_token: `${part('{"alg":"none"}')}.${part(text)}.s` }),
    ),
  );

const retryAfter = fc.oneof(
  anyJson.map(text => text.replaceAll('"', '')),
  fc.constantFrom('120', '120, 240', '1e309', '-5', '9'.repeat(20), '9'.repeat(300), '9'.repeat(100_000), '0x10'),
  fc.constantFrom('Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT', '+275760-09-13', '12, 2099'),
);
const statuses = fc.oneof(
  { weight: 6, arbitrary: fc.constant(200) },
  { weight: 2, arbitrary: fc.constantFrom(400, 401, 403, 408, 429, 500, 503) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, 99, 204, 302, 600, Number.NaN, 200.5, 1e300) },
);

export const repliesOfAnyType = (good: object, claims: object): fc.Arbitrary<HttpReply> =>
  fc.tuple(statuses, bodyOf(good, claims), fc.option(retryAfter)).map(([status, body, after]) => ({
    kind: 'answer',
    status,
    headers: after === null ? {} : { 'retry-after': after },
    body,
  }));
