import { describe, expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import { epochMs } from '../../lib/core/types.ts';
import { providerFromData } from '../../lib/definition/from-file.ts';
import { answer } from '../kit/vendor.ts';
import { small } from './acme.ts';

const tenant = { purpose: 'the tenant', optional: true } as const;
const acme = {
  ...small,
  fields: { password: { purpose: 'the password' }, tenant },
  login: { url: '{base}/token', form: { password: '{password}', tenant: '{tenant}' } },
  consumer: { baseUrl: ['{base}/{tenant}', '{base}'] },
  hosts: ['*.acme.test'],
};

describe('a field that may be missing', () => {
  it.each([
    [{ login: { url: '{base}/{tenant}/token' } }, '"login.url" needs "tenant", which may be missing'],
    [{ base: 'https://{tenant}.acme.test' }, '"base" needs "tenant", which may be missing'],
    [
      { alternatives: [['tenant'], ['password']], login: { url: '{base}/{password}' } },
      '"login.url" needs "password", which may be missing: make it required, or give it a default.',
    ],
    [
      { fields: { ...acme.fields, tenant: { ...tenant, oneOf: ['a', 'b'] } }, apiBase: { by: 'tenant', of: {} } },
      '"apiBase.by" needs "tenant", which may be missing',
    ],
    [{ base: { by: 'password', of: {} } }, '"base.of" depends on a field that must have "oneOf"'],
  ])('is not in a URL: %j', (change, sentence) => {
    expect(() => providerFromData({ ...acme, ...change })).toThrow(sentence);
  });

  it('leaves its entry out, and checks nothing in the answer', () => {
    const provider = providerFromData({ ...acme, match: { tenant: 'tenant' } });
    const read = (secret: object) => {
      const opened = provider.open(secret);
      if (!opened.ok) throw new Error('the secret is one');
      const reply = answer({ access_token: 'made-up', expires_in: 60, tenant: 'one' });
      const exchange = { provider, account: opened.account, grant: 'login', sentAt: epochMs(0) } as const;
      const outcome = interpret(exchange, reply);
      return [opened.account.logIn().body, outcome.kind === 'granted' ? outcome.baseUrl : outcome];
    };
    expect(read({ password: 'p' })).toEqual(['password=p', 'https://login.acme.test']);
    expect(read({ password: 'p', tenant: 'one' })).toEqual(['password=p&tenant=one', 'https://login.acme.test/one']);
    expect(read({ password: 'p', tenant: 'two' })[1]).toMatchObject({ code: 'organisation_mismatch' });
  });
});
