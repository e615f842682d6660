import { describe, expect, it } from 'vitest';
import { interpret, interpretFirstStep } from '../../lib/core/interpret.ts';
import { epochMs } from '../../lib/core/types.ts';
import { providerFromData } from '../../lib/definition/from-file.ts';
import { answer } from '../kit/vendor.ts';
import { small } from './acme.ts';

const acme = {
  ...small,
  fields: { key: { purpose: 'the key' } },
  login: { url: '{base}/token', form: { key: '{key}' } },
  consumer: { baseUrl: '{base}' },
  hosts: ['*.acme.test'],
};
const opened = (change: object, secret: Record<string, string> = { key: 'made-up' }) => {
  const provider = providerFromData({ ...acme, ...change });
  const result = provider.open(secret);
  if (!result.ok) return { provider, problems: result.problems };
  return { provider, account: result.account };
};
const read = ({ provider, account }: ReturnType<typeof opened>, body: object) => {
  if (!account) throw new Error('the secret is one');
  return interpret({ provider, account, grant: 'login', sentAt: epochMs(0) }, answer({ expires_in: 60, ...body }));
};

describe('an answer', () => {
  const inPath = opened({ consumer: { baseUrl: '{base}/tenants/{answer.tenant}/v1' } });
  it.each([
    ['../../admin', 'https://login.acme.test/tenants/..%2F..%2Fadmin/v1'],
    ['a?b#c', 'https://login.acme.test/tenants/a%3Fb%23c/v1'],
  ])('%j stays one part of a path', (tenant, baseUrl) => {
    expect(read(inPath, { access_token: 'made-up', tenant })).toMatchObject({ baseUrl });
  });

  it('of two dots is none', () => {
    expect(read(inPath, { access_token: 'made-up', tenant: '..' })).toMatchObject({ code: 'malformed_answer' });
  });

  it('does not move the second step', () => {
    const { provider, account } = opened({ login: [acme.login, { url: '{base}/{answer.code}/token', form: {} }] });
    if (!account) throw new Error('the secret is one');
    const exchange = { provider, account, grant: 'login', sentAt: epochMs(0) } as const;
    expect(interpretFirstStep(exchange, answer({ code: '../../x' }))).toMatchObject({
      request: { url: 'https://login.acme.test/..%2F..%2Fx/token' },
    });
  });
});

describe('a host', () => {
  it.each([
    [{ fields: { t: { purpose: 't' }, u: { purpose: 'u' } }, base: 'https://{t}.{u}.com', hosts: ['*.a.com'] }],
    [{ fields: { t: { purpose: 't' } }, base: 'https://{t}.acme.test', hosts: ['a.acme.test'] }],
  ])('that a field may choose among others than those of the definition is refused: %j', change => {
    expect(() => opened({ login: { url: '{base}/token' }, ...change })).toThrow('which must be on one of "hosts"');
  });
});

describe('a field in two places', () => {
  it.each(['日本', ' a'])('has to fit both: %j', key => {
    const change = { login: { url: '{base}/{key}/token', headers: { 'X-Key': '{key}' } } };
    expect(opened(change, { key }).problems).toMatchObject([{ field: 'key' }]);
  });

  it('is checked for the refresh request, too, if it is the first refresh token', () => {
    const change = {
      redeem: { field: 'key' },
      refresh: { url: '{base}/token', headers: { 'X-Token': '{refreshToken}' } },
      sessionOf: ['key'],
    };
    expect(opened(change, { key: '日本' }).problems).toMatchObject([{ field: 'key' }]);
  });
});

describe('a first refresh token', () => {
  const refresh = { url: '{base}/token', form: { refresh_token: '{refreshToken}' } };
  const imported = opened({ redeem: { field: 'key' }, refresh, sessionOf: ['key'] });

  it('stays the session if the answer has no other', () => {
    expect(read(imported, { access_token: 'made-up' })).toMatchObject({ refreshToken: 'made-up' });
  });

  it('gives way to the one that the answer has', () => {
    expect(read(imported, { access_token: 'made-up', refresh_token: 'next' })).toMatchObject({ refreshToken: 'next' });
  });

  it('is not a session if it is a code of another request', () => {
    const request = { url: '{base}/token', form: { code: '{key}' } };
    const code = opened({ redeem: { field: 'key', request }, refresh, sessionOf: ['key'] });
    expect(read(code, { access_token: 'made-up' })).not.toHaveProperty('refreshToken');
  });
});

describe('what an alternative does not have', () => {
  const fields = { clientId: { purpose: 'c' }, secret: { purpose: 's' }, pk: { purpose: 'p', privateKey: true } };
  const either = {
    fields,
    alternatives: [['secret'], ['pk']],
    assertion: { algorithm: 'RS256', key: 'pk', claims: { iss: '{clientId}' } },
    login: {
      url: '{base}/token',
      basic: { user: '{clientId}', password: '{secret}' },
      form: { client_assertion: '{assertion}' },
    },
  };

  it('is not signed and not sent', () => {
    const { account } = opened(either, { clientId: 'c', secret: 's' });
    expect(account).not.toHaveProperty('assertion');
    expect(account?.logIn()).toMatchObject({ headers: { Authorization: 'Basic Yzpz' }, body: '' });
  });
});

describe('a definition that cannot work', () => {
  it.each([
    [
      { login: { method: 'GET', url: '{base}/token', form: { a: 'b' } } },
      '"login" is a GET, which has no body: use "query".',
    ],
    [{ consumer: { headers: {}, baseUrl: '{base}' } }, '"consumer.headers" must have "{token}" in one header'],
    [{ refresh: { url: '{base}/token', form: {} }, sessionOf: ['key'] }, '"refresh" must send "{refreshToken}".'],
    [{ fields: { constructor: { purpose: 'c' } } }, '"fields.constructor" has a reserved name'],
  ])('is refused: %j', (change, sentence) => {
    expect(() => opened(change)).toThrow(sentence);
  });
});
