import { describe, expect, it } from 'vitest';
import { acmeAccountOf, acmeProblemsOf, request, secret, withField } from './acme.ts';

const bodyOf = ({ body = '' }: { readonly body?: string }) => Object.fromEntries(new URLSearchParams(body));

describe('a request', () => {
  it('sends a query, encoded', () => {
    const login = {
      method: 'GET',
      url: '{base}/token',
      query: { id: '{clientId}', key: '{clientSecret}', fixed: 'a b' },
    };
    expect(acmeAccountOf({ login }, { clientId: 'a&b=c', clientSecret: 'ä' }).logIn()).toEqual({
      method: 'GET',
      url: 'https://login.acme.test/token?id=a%26b%3Dc&key=%C3%A4&fixed=a+b',
      headers: { accept: 'application/json' },
    });
  });

  it('sends JSON as deep as it is written, and leaves out what has no value', () => {
    const fields = withField('note', { optional: true });
    const json = {
      auth: { id: '{clientId}', 'secret key': '{clientSecret}', note: '{note}' },
      list: ['{note}', '{clientId}'],
      remember: true,
      version: 2,
    };
    const login = { url: '{base}/token', json };
    const { body = '', headers } = acmeAccountOf(
      { fields, login },
      { clientId: 'a"b', clientSecret: '{clientId}' },
    ).logIn();
    expect(headers['Content-Type']).toBe('application/json');
    expect(JSON.parse(body)).toEqual({
      auth: { id: 'a"b', 'secret key': '{clientId}' },
      list: ['a"b'],
      remember: true,
      version: 2,
    });
  });

  it('leaves out an entry of a form, a query or a header that has no value', () => {
    const fields = withField('scope', { optional: true });
    const part = { fixed: 'x', scope: '{scope}' };
    const login = { url: '{base}/token', form: part, query: part, headers: part };
    const { url, headers, body } = acmeAccountOf({ fields, login }).logIn();
    expect([url, headers.scope, headers.fixed, body]).toEqual([
      'https://login.acme.test/token?fixed=x',
      undefined,
      'x',
      'fixed=x',
    ]);
  });

  it('has HTTP Basic byte for byte, or form-encoded', () => {
    const basicOf = (more: object) => {
      const login = { url: '{base}/token', basic: { user: '{clientId}', password: '{clientSecret}', ...more } };
      const { Authorization = '' } = acmeAccountOf({ login }, { clientId: 'a-b c', clientSecret: 'ü:%' }).logIn()
        .headers;
      return Buffer.from(Authorization.replace('Basic ', ''), 'base64').toString();
    };
    expect(basicOf({})).toBe('a-b c:ü:%');
    expect(basicOf({ encoded: true })).toBe('a-b+c:%C3%BC%3A%25');
  });

  it('may go to the API’s address', () => {
    const change = { apiBase: 'https://api.acme.test', hosts: ['*.acme.test'], login: { url: '{apiBase}/token' } };
    expect(acmeAccountOf(change).logIn().url).toBe('https://api.acme.test/token');
    const moved = acmeAccountOf(change, { ...secret, baseUrl: 'https://proxy.test/x' });
    expect(moved.logIn().url).toBe('https://proxy.test/x/token');
  });
});

describe('a login in two steps', () => {
  const second = {
    url: '{base}/token',
    headers: { 'x-code': '{answer.data.code}' },
    form: { id: '{clientId}', again: '{answer.state}' },
  };
  const account = acmeAccountOf({ login: [request, second] });

  it('sends what the first answered', () => {
    expect(account.exchange?.({ data: { code: 'abc' }, state: 's' })).toEqual({
      method: 'POST',
      url: 'https://login.acme.test/token',
      headers: {
        accept: 'application/json',
        'Content-Type': 'application/x-www-form-urlencoded',
        'x-code': 'abc',
      },
      body: 'id=c&again=s',
    });
  });

  it.each([
    {},
    { state: 's' },
    { data: { code: '' }, state: 's' },
    { data: { code: 7 }, state: 's' },
    { data: { code: 'a\r\nb' }, state: 's' },
    { data: { code: 'abc' } },
  ])('ends if an answer lacks it, or no header can carry it: %j', first => {
    expect(account.exchange?.(first)).toBeUndefined();
  });

  it('takes no address from an answer, not even by way of a field', () => {
    const login = [request, { url: '{base}/{clientId}/token', form: { code: '{answer.code}' } }];
    const exchange = acmeAccountOf({ login }, { ...secret, clientId: '../x' }).exchange?.({ code: '{clientSecret}' });
    expect([exchange?.url, exchange?.body]).toEqual([
      'https://login.acme.test/..%2Fx/token',
      'code=%7BclientSecret%7D',
    ]);
  });
});

describe('what a person hands in once', () => {
  const refresh = { url: '{base}/token', form: { grant_type: 'refresh_token', refresh_token: '{refreshToken}' } };
  const session = { refresh, sessionOf: ['clientId'] };

  it('is sent by the refresh request, and the session continues from there', () => {
    const change = { ...session, fields: withField('refreshToken'), redeem: { field: 'refreshToken' } };
    const account = acmeAccountOf({ ...change, login: undefined }, { ...secret, refreshToken: 'first' });
    expect([account.oneTimeCode, account.exchange]).toEqual(['first', undefined]);
    expect(bodyOf(account.logIn()).refresh_token).toBe('first');
    expect(bodyOf(account.refresh?.('second') ?? {}).refresh_token).toBe('second');
  });

  it('may have another name, and its own request', () => {
    const own = { url: '{base}/redeem', form: { code: '{code}' } };
    const change = { ...session, fields: withField('code'), redeem: { field: 'code', request: own } };
    const account = acmeAccountOf({ ...change, login: undefined }, { ...secret, code: 'handed-in' });
    expect([account.logIn().url, account.logIn().body]).toEqual(['https://login.acme.test/redeem', 'code=handed-in']);
    expect(account.refresh?.('held').url).toBe('https://login.acme.test/token');
  });

  it('is not what a field called refreshToken is without it: that is sent with each login', () => {
    const account = acmeAccountOf(
      { fields: withField('refreshToken'), login: refresh },
      { ...secret, refreshToken: 'r' },
    );
    expect([account.oneTimeCode, account.refresh]).toEqual([undefined, undefined]);
    expect(bodyOf(account.logIn()).refresh_token).toBe('r');
  });

  it('binds a session to the client and the address, whatever their case', () => {
    const change = {
      ...session,
      fields: { ...withField('refreshToken'), shop: { purpose: 'the shop' } },
      redeem: { field: 'refreshToken' },
      base: 'https://{shop}.acme.test',
      hosts: ['*.acme.test'],
    };
    const bindingOf = (more: object) =>
      acmeAccountOf(change, { ...secret, refreshToken: 'r', shop: 'one', ...more }).sessionBinding;
    expect(bindingOf({ shop: 'ONE', refreshToken: 'other' })).toBe(bindingOf({}));
    expect(bindingOf({ shop: 'two' })).not.toBe(bindingOf({}));
    expect(bindingOf({ clientId: 'other' })).not.toBe(bindingOf({}));
  });
});

describe('alternatives', () => {
  const fields = { user: { purpose: 'the user' }, word: { purpose: 'the password' }, key: { purpose: 'the key' } };
  const form = { user: '{user}', word: '{word}', key: '{key}' };
  const change = { fields, alternatives: [['user', 'word'], ['key']], login: { url: '{base}/token', form } };
  const sentBy = (of: object) => bodyOf(acmeAccountOf(change, of).logIn());

  it('send the first complete group alone', () => {
    expect(sentBy({ key: 'k' })).toEqual({ key: 'k' });
    expect(sentBy({ user: 'u', word: 'w' })).toEqual({ user: 'u', word: 'w' });
    expect(sentBy({ user: 'u', word: 'w', key: 'k' })).toEqual({ user: 'u', word: 'w' });
    expect(sentBy({ user: 'u', key: 'k' })).toEqual({ key: 'k' });
  });

  it('say what is missing, and what may be there in its place', () => {
    const half = 'is missing: add "user" and "word", or "key" in their place';
    expect(acmeProblemsOf(change, { word: 'w' })).toEqual([`"user" ${half}`]);
    expect(acmeProblemsOf(change, {})).toEqual([`"user" ${half}`, `"word" ${half}`]);
  });
});
