import { describe, expect, it } from 'vitest';
import { providerFromData } from '../../lib/definition/from-file.ts';
import { DefinitionError } from '../../lib/definition/parse.ts';
import { acmeAccountOf, openAcme, request, secret, small } from './acme.ts';

describe('a definition of a few lines', () => {
  it('makes a provider with a login and a base URL', () => {
    const account = acmeAccountOf({}, secret);
    expect(account.logIn()).toEqual({
      method: 'POST',
      url: 'https://login.acme.test/token',
      headers: { accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'client_id=c&client_secret=s',
    });
    const usage = account.usage({ accessToken: 't', tokenType: 'Bearer', json: {}, claims: {} });
    expect(usage).toEqual({ headers: { Authorization: 'Bearer t' }, baseUrl: 'https://login.acme.test/api' });
    expect(account.refresh).toBeUndefined();
  });

  it('substitutes once: the value of a field is not substituted again, and cannot lead to another path or host', () => {
    const login = { url: '{base}/{clientId}/token', json: { secret: '{clientSecret}' } };
    const { url, body } = acmeAccountOf({ login }, { clientId: '../@evil.test', clientSecret: '{clientId}' }).logIn();
    expect(url).toBe('https://login.acme.test/..%2F%40evil.test/token');
    expect(body).toBe('{"secret":"{clientId}"}');
  });

  it('leaves out what an optional field would fill', () => {
    const fields = { ...small.fields, key: { purpose: 'the key', optional: true } };
    const consumer = { headers: { 'x-token': '{token}', 'x-key': '{key}' }, baseUrl: ['{base}/{key}', '{base}'] };
    const answer = { accessToken: 't', tokenType: 'Bearer', json: {}, claims: {} };
    const usageOf = (more: object) => acmeAccountOf({ fields, consumer }, { ...secret, ...more }).usage(answer);
    expect(usageOf({})).toEqual({ headers: { 'x-token': 't' }, baseUrl: 'https://login.acme.test' });
    expect(usageOf({ key: 'k' })).toEqual({
      headers: { 'x-token': 't', 'x-key': 'k' },
      baseUrl: 'https://login.acme.test/k',
    });
  });

  it('requires of a field what its place needs', () => {
    const inHeader = { login: { url: '{base}/token', headers: { 'x-id': '{clientId}' } } };
    const asUser = { login: { url: '{base}/token', basic: { user: '{clientId}', password: '{clientSecret}' } } };
    for (const [change, clientId] of [
      [inHeader, 'no – header'],
      [asUser, 'a:b'],
    ] as const)
      expect(openAcme(change, { ...secret, clientId })).toMatchObject({ ok: false, problems: [{ field: 'clientId' }] });
  });
});

describe('an invalid definition', () => {
  it.each<[object, string]>([
    [{ lifetime: '1 hour' }, '"lifetime" must be a time such as "90s", "20m", "8h" or "30d"'],
    [{ id: 'Acme' }, '"id" must be 1 to 40 of a-z, 0-9 and "-", beginning with a letter'],
    [{ base: 'http://login.acme.test/' }, '"base" must be an https: address without user, query, fragment and slash'],
    [{ base: 'https://other.test' }, '"base" is "https://other.test", which must be on one of "hosts".'],
    [{ hosts: ['https://x'] }, '"hosts" has "https://x": write a host such as "login.example.com" or "*.example.com".'],
    [
      { login: { ...request, url: 'https://evil.test/{clientId}' } },
      '"login.url" must begin with "{base}/" or "{apiBase}/".',
    ],
    [{ login: { ...request, url: '{clientId}/token' } }, '"login.url" must begin with "{base}/"'],
    [{ login: { ...request, url: '{base}.evil.test' } }, '"login.url" must begin with "{base}/"'],
    [
      { login: { ...request, form: { id: '{cliendId}' } } },
      '"login.form.id" has "{cliendId}", which is neither a field nor one of base, apiBase: did you mean "{clientId}"?',
    ],
    [
      { login: { ...request, form: { id: '{clientId' } } },
      '"login.form.id" has a brace that is not part of a placeholder',
    ],
    [{ refresh: request }, '"sessionOf" is missing: name the fields that say to whom a refresh token belongs'],
    [{ locks: { user: 'user', password: 'clientSecret' } }, '"locks.user" names "user", which is not one of "fields".'],
    [
      { errors: [{ status: 401, means: 'refused', code: 'nope' }] },
      '"errors.0.code" must be one of the error codes in docs/providers.md',
    ],
  ])('%j is reported by a path and what to write', (change, message) => {
    const define = () => providerFromData({ ...small, ...change });
    expect(define).toThrow(DefinitionError);
    expect(define).toThrow(message);
  });

  it('says so for each address that a value has not', () => {
    const mode = { purpose: 'live or test', oneOf: ['live', 'test'], default: 'live' };
    const change = { fields: { ...small.fields, mode }, base: { by: 'mode', of: { live: small.base } } };
    expect(() => providerFromData({ ...small, ...change })).toThrow('"base.of" has no address for "test"');
  });
});
