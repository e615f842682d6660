import { describe, expect, it } from 'vitest';
import { definitionFrom } from '../../lib/definition/parse.ts';
import { faultsOf, request, small, withField } from './acme.ts';

const fault = { status: 400, means: 'retry', code: 'rate_limited' };
const code = { fields: withField('code'), refresh: { url: '{base}/t', form: { r: '{refreshToken}' } } };
const session = { refresh: code.refresh, sessionOf: ['clientId'] };
const key = withField('key', { privateKey: true });
const signed = { url: '{base}/token', form: { assertion: '{assertion}' } };
const times = '"seconds", "milliseconds", "epochSeconds", "epochMilliseconds" or "date"';

it.each([undefined, null, 'x', [], 7])('a definition that is not an object is refused: %j', value => {
  expect(() => definitionFrom(value)).toThrow(/^The definition (?:is missing: it )?must be an object\.$/);
});

it('everything that is missing is reported at once', () => {
  expect(faultsOf(Object.fromEntries(Object.keys(small).map(name => [name, undefined])))).toEqual([
    '"id" is missing: it must be a text.',
    '"title" is missing: it must be a text.',
    '"source" is missing: it must be a text.',
    '"lifetime" is missing: it must be a text.',
    '"base" is missing: it must be an address such as "https://login.example.com", or {"by": …, "of": …}, or {"purpose": …}.',
    '"consumer" is missing: it must be an object such as {"baseUrl": "{base}/v2"}.',
    '"hosts" is missing: it must be a list.',
  ]);
});

describe('the form', () => {
  it.each<[object, string]>([
    [{ title: 7 }, '"title" must be a text.'],
    [{ title: '' }, '"title" must not be empty.'],
    [{ lifetime: 60 }, '"lifetime" must be a text.'],
    [{ concurrency: 1.5 }, '"concurrency" must be a whole number.'],
    [{ refreshAt: '0.5' }, '"refreshAt" must be a number.'],
    [{ refreshAt: 1 }, '"refreshAt" must be at most 0.9.'],
    [
      { lifetime: '10m', refreshAt: 0.8 },
      '"refreshAt" must be smaller: two ticks of 1m must be left before a token expires.',
    ],
    [{ hosts: [] }, '"hosts" must have at least 1 entry.'],
    [{ hosts: [7] }, '"hosts.0" must be a text.'],
    [{ fields: { a: 'x' } }, '"fields.a" must be an object such as {"purpose": "the API key"}.'],
    [
      { fields: { 'a-b': { purpose: 'x' } } },
      '"fields.a-b" must be a name of letters, digits and "_" that begins with a letter.',
    ],
    [{ fields: withField('a', { oneOf: 'b' }) }, '"fields.a.oneOf" must be a list.'],
    [{ fields: withField('a', { oneOf: ['b'] }) }, '"fields.a.oneOf" must have at least 2 entries.'],
    [{ fields: withField('a', { optional: false }) }, '"fields.a.optional" must be true.'],
    [
      { fields: withField('a', { default: 7 }) },
      '"fields.a.default" must be a text, or {"if": …, "contains": …, "use": …, "otherwise": …}.',
    ],
    [{ base: { by: 'clientId' } }, '"base.of" is missing: it must be an object.'],
    [
      { base: 7 },
      '"base" must be an address such as "https://login.example.com", or {"by": …, "of": …}, or {"purpose": …}.',
    ],
    [{ login: 'x' }, '"login" must be a request such as {"url": "{base}/token", "form": {…}}, or a list of two.'],
    [{ login: {} }, '"login.url" is missing: it must be a text.'],
    [{ login: [request, {}] }, '"login.1.url" is missing: it must be a text.'],
    [{ login: [request, request, request] }, '"login" must have at most 2 entries.'],
    [{ login: { ...request, method: 'DELETE' } }, '"login.method" must be "GET", "POST" or "PUT".'],
    [{ login: { ...request, form: { a: 7 } } }, '"login.form.a" must be a text.'],
    [{ login: { ...request, basic: { user: 'x' } } }, '"login.basic.password" is missing: it must be a text.'],
    [{ login: { ...request, headers: { 'a b': 'c' } } }, '"login.headers.a b" must be the name of a header.'],
    [{ login: { ...request, headers: { a: 'ł' } } }, '"login.headers.a" has a character that no header can carry.'],
    [
      { login: { url: '{base}/t', json: { a: null } } },
      '"login.json.a" must be a text, a number, true, false, a list or an object.',
    ],
    [
      { login: { url: '{base}/t', json: { a: { b: ['{c'] } } } },
      '"login.json.a.b.0" has a brace that is not part of a placeholder: write placeholders as "{clientId}".',
    ],
    [
      { answer: { expiry: 'never' } },
      '"answer.expiry" must be such as {"path": "expires_in", "as": "seconds"}, or "never stated".',
    ],
    [{ answer: { expiry: { path: 'a', as: 'hours' } } }, `"answer.expiry.as" must be ${times}.`],
    [
      { answer: { token: 'a b' } },
      '"answer.token" must be a path in the answer, such as "access_token" or "data.token".',
    ],
    [{ answer: { sessionEnd: [{ after: 60 }] } }, '"answer.sessionEnd.0.after" must be a text.'],
    [
      { answer: { sessionEnd: [7] } },
      '"answer.sessionEnd.0" must be such as {"path": "refresh_expires_in", "as": "seconds"}, or {"after": "30d"}.',
    ],
    [{ consumer: { baseUrl: 7 } }, '"consumer.baseUrl" must be an address such as "{base}/v2", or a list of them.'],
    [{ errors: [{ ...fault, status: 99 }] }, '"errors.0.status" must be at least 100.'],
    [{ errors: [{ ...fault, means: 'x' }] }, '"errors.0.means" must be "refused", "retry" or "rejected".'],
    [{ errors: [{ ...fault, equals: { a: [] } }] }, '"errors.0.equals.a" must be a text, a number, true or false.'],
    [{ alternatives: ['clientId', ['a']] }, '"alternatives.0" must be a list.'],
  ])('%j', (change, sentence) => {
    expect(faultsOf(change)).toEqual([sentence]);
  });
});

describe('a name that no part has', () => {
  it.each<[object, string]>([
    [{ lifetim: '1h' }, '"lifetim" is not a part of a definition: did you mean "lifetime"?'],
    [{ quux: 1 }, '"quux" is not a part of a definition: remove it.'],
    [{ login: { ...request, header: {} } }, '"login.header" is not a part of a definition: did you mean "headers"?'],
    [
      { login: [request, { ...request, qery: {} }] },
      '"login.1.qery" is not a part of a definition: did you mean "query"?',
    ],
    [
      { fields: withField('a', { purpos: 'x' }) },
      '"fields.a.purpos" is not a part of a definition: did you mean "purpose"?',
    ],
    [
      { answer: { refreshtoken: 'a' } },
      '"answer.refreshtoken" is not a part of a definition: did you mean "refreshToken"?',
    ],
    [{ errors: [{ ...fault, say: {} }] }, '"errors.0.say" is not a part of a definition: did you mean "says"?'],
    [{ consumer: { baseUrl: '{base}', tokens: 1 } }, '"consumer.tokens" is not a part of a definition: remove it.'],
  ])('%j', (change, sentence) => {
    expect(faultsOf(change)).toEqual([sentence]);
  });
});

describe('what does not go together', () => {
  it.each<[object, string]>([
    [{ login: undefined }, '"login" is missing: write the request that obtains a token.'],
    [
      { fields: code.fields, redeem: { field: 'code' } },
      '"refresh" is missing: a one-time code is useless without it.',
    ],
    [
      { ...session, fields: withField('code', { optional: true }), redeem: { field: 'code' }, login: undefined },
      '"login" is missing: a secret may lack "code", and has nothing else to log in with.',
    ],
    [
      {
        ...session,
        fields: withField('code'),
        alternatives: [['code'], ['clientId']],
        redeem: { field: 'code' },
        login: undefined,
      },
      '"login" is missing: a secret may lack "code", and has nothing else to log in with.',
    ],
    [{ apiBase: { purpose: 'x' } }, '"apiBase" must be an address: a secret may have "apiBaseUrl" anyway.'],
    [{ renewWithin: '10s' }, '"renewWithin" must be at least 20s, and no longer than "lifetime".'],
    [{ renewWithin: '2h' }, '"renewWithin" must be at least 20s, and no longer than "lifetime".'],
    [
      { lifetime: '4m' },
      '"lifetime" must be at least 5m: schedules run each minute, and a renewal needs several chances.',
    ],
    [
      { callDeadline: '34s' },
      '"callDeadline" must be at least 1s and at most 33s: the lease holds the calls of a whole run.',
    ],
    [
      { callDeadline: '0.5s' },
      '"callDeadline" must be at least 1s and at most 33s: the lease holds the calls of a whole run.',
    ],
    [
      { ...session, callDeadline: '20s' },
      '"callDeadline" must be at least 1s and at most 16.5s: the lease holds the calls of a whole run.',
    ],
    [
      { answer: { sessionEnd: [{ as: 'seconds' }] } },
      '"answer.sessionEnd" has a time that must have one of "path" and "claim".',
    ],
    [{ fields: withField('token') }, '"fields.token" has a reserved name: choose another.'],
    [{ login: { ...request, json: {} } }, '"login" has both "form" and "json": a request has one body.'],
    [
      { revoke: { url: '{base}/r', form: {}, json: {} } },
      '"revoke" has both "form" and "json": a request has one body.',
    ],
    [{ login: { ...request, url: '{base}/a/../b' } }, '"login.url" must not have blanks, "/./" or "/../".'],
    [{ login: { ...request, url: '{base}/a b' } }, '"login.url" must not have blanks, "/./" or "/../".'],
    [
      { login: { ...request, headers: { Host: 'x' } } },
      '"login.headers" must not have "host": the HTTP client sets it.',
    ],
    [{ login: { ...request, headers: { a: 'x', A: 'y' } } }, '"login.headers" has "a" twice.'],
    [
      { login: { ...request, headers: { 'content-type': 'x' } } },
      '"login.headers" must not have "content-type": another part of the request sets it.',
    ],
    [
      { login: { url: '{base}/t', basic: { user: 'a', password: 'b' }, headers: { Authorization: 'x' } } },
      '"login.headers" must not have "authorization": another part of the request sets it.',
    ],
    [{ consumer: { baseUrl: '{base}', headers: { Key: '{token}', KEY: 'x' } } }, '"consumer.headers" has "key" twice.'],
    [{ lifetime: '4000d' }, '"lifetime" must be longer than 0 and at most "3650d".'],
    [{ rateLimit: { calls: 1, per: '0s' } }, '"rateLimit.per" must be longer than 0 and at most "3650d".'],
    [
      { errors: [{ status: 400, means: 'retry', code: 'internal_error' }] },
      '"errors.0.code" must be one of the error codes in docs/providers.md.',
    ],
    [
      { fields: withField('shop', { optional: true }), consumer: { baseUrl: ['{base}/{shop}'] } },
      '"consumer.baseUrl" needs "shop", which may be missing: make it required, or give it a default.',
    ],
    [
      { alternatives: [['clientId'], ['clientId', 'clientSecret']] },
      '"alternatives.1" is never used: an earlier one is complete whenever it is. Put it first.',
    ],
    [
      { fields: withField('user', { default: 'u' }), alternatives: [['clientSecret'], ['user']] },
      '"fields.user.default" must not be set for a field of "alternatives": the field would always have a value.',
    ],
    [{ login: { ...request, method: 'GET' } }, '"login" is a GET, which has no body: use "query".'],
    [
      { login: { url: '{base}/t?a=b' } },
      '"login.url" must not have "?" or "#": write what comes after "?" as "query".',
    ],
    [{ login: [request, { url: '{answer.url}/t' }] }, '"login.1.url" must begin with "{base}/" or "{apiBase}/".'],
    [{ ...session, refresh: request }, '"refresh" must send "{refreshToken}".'],
    [{ ...code, ...session, redeem: { field: 'code', request } }, '"redeem.request" must send "{code}".'],
    [
      { fields: key, login: signed, assertion: { algorithm: 'RS256', key: 'clientId', claims: {} } },
      '"fields.key.privateKey" needs an "assertion" with this field as its "key".',
    ],
    [
      { login: signed, assertion: { algorithm: 'RS256', key: 'clientId', claims: {} } },
      '"assertion.key" must be a field with "privateKey": true.',
    ],
    [
      { fields: key, assertion: { algorithm: 'RS256', key: 'key', claims: {} } },
      '"assertion" is not sent by any request: write "{assertion}" where it belongs.',
    ],
    [
      { fields: withField('a', { oneOf: ['b', 'c'], default: 'd' }) },
      '"fields.a.default" is neither "b" nor "c": give one of them, or leave it out.',
    ],
    [
      { fields: withField('a', { default: 'b c/' }), base: 'https://{a}.acme.test', hosts: ['*.acme.test'] },
      '"fields.a.default" is not a part of a host name: give the a, with letters, digits and "-" alone.',
    ],
    [{ title: 'x'.repeat(101) }, '"title" must be at most 100.'],
    [
      { ...session, answer: { sessionEnd: { after: '1h' } } },
      '"answer.sessionEnd" must be a list such as [{"path": "refresh_expires_in", "as": "seconds"}].',
    ],
    [{ base: { by: 'clientId', of: {} } }, '"base.of" depends on a field that must have "oneOf".'],
    [
      { fields: withField('shop', { optional: true }), base: 'https://{shop}.acme.test', hosts: ['*.acme.test'] },
      '"base" needs "shop", which may be missing: make it required, or give it a default.',
    ],
    [
      { fields: withField('shop', { optional: true }), login: { ...request, url: '{base}/{shop}' } },
      '"login.url" needs "shop", which may be missing: make it required, or give it a default.',
    ],
    [
      { fields: withField('a'), alternatives: [['clientId'], ['a']], login: { url: '{base}/{a}' } },
      '"login.url" needs "a", which may be missing: make it required, or give it a default.',
    ],
    [
      { revoke: { url: '{base}/r', form: { t: '{clientId}' } } },
      '"revoke.form.t" has "{clientId}", but the secret is gone by then: only {base} and {token} are known.',
    ],
    [{ login: signed }, '"login.form.assertion" has "{assertion}", which is neither a field nor one of base, apiBase.'],
    [
      { login: [{ url: '{base}/a', headers: { x: '{answer.x}' } }, request] },
      '"login.0.headers.x" has "{answer.x}", which is neither a field nor one of base, apiBase.',
    ],
    [
      { consumer: { baseUrl: '{base}', headers: { x: '{tokn}' } } },
      '"consumer.headers.x" has "{tokn}", which is neither a field nor one of base, apiBase, token: did you mean "{token}"?',
    ],
    [
      { consumer: { baseUrl: '{clientId}' } },
      '"consumer.baseUrl" must begin with "{base}", "{apiBase}", or an address in the answer such as "{answer.api_url}".',
    ],
    [{ scopes: 'a' }, '"scopes" names "a", which is not one of "fields".'],
    [
      { rateLimit: { calls: 1, per: '1s', sharedBy: 'a' } },
      '"rateLimit.sharedBy" names "a", which is not one of "fields".',
    ],
  ])('%j', (change, sentence) => {
    expect(faultsOf(change)).toContain(sentence);
  });

  it('a field of an alternative may be in the URL of the request that it is for', () => {
    const change = {
      fields: { ...withField('tenant'), code: { purpose: 'the code' } },
      alternatives: [['tenant'], ['code']],
      login: { ...request, url: '{base}/{tenant}' },
      redeem: { field: 'code' },
      ...session,
    };
    expect(faultsOf(change)).toEqual([]);
  });
});
