import { describe, expect, it } from 'vitest';
import { type AddressRules, isHostPattern, isOnHosts } from '../../lib/core/hosts.ts';
import type { Account } from '../../lib/core/provider.ts';
import { providers } from '../../lib/providers/index.ts';
import { accountOf, fixturesOf, provider } from './fixtures.ts';

/** The fields that name the client that a refresh token is issued to. */
const clients: Readonly<Record<string, readonly string[]>> = {
  'poweroffice-v1': ['appKey', 'clientKey'],
  powerepos: ['clientId', 'orgId', 'username'],
  petrosoft: ['login'],
  ioffice: ['clientId', 'redirectUri', 'username'],
};
/** The credential that the vendor counts calls by. */
const counted: Readonly<Record<string, readonly string[]>> = {
  'poweroffice-v1': ['appKey'],
  'poweroffice-v2': ['subscriptionKey'],
};
const foreign = 'https://foreign.example.com';
const usageOf = (account: Account) => {
  const { id } = provider(account.limitKey.split('#', 1)[0] ?? '');
  const json = fixturesOf(id).token;
  return account.usage({ accessToken: 't', tokenType: 'Bearer', json, claims: {} });
};
const baseUrlOf = (account: Account): string => {
  const usage = usageOf(account);
  if (typeof usage === 'string') throw new Error(usage);
  return usage.baseUrl;
};

describe.each(providers)('$id', definition => {
  const { id, hosts, fields } = definition;
  const { secret } = fixturesOf(id);
  const credentials = [...fields.required, ...fields.optional].filter(
    field => !['baseUrl', 'apiBaseUrl', 'environment', 'apiVersion'].includes(field),
  );
  const problemsWith = (baseUrl: string, rules: AddressRules) => {
    const opened = definition.open({ ...secret, baseUrl }, rules);
    return opened.ok ? [] : opened.problems;
  };

  it('lists hosts, each spelled as a setting must be', () => {
    expect(hosts.length).toBeGreaterThan(0);
    for (const host of hosts) expect([host, isHostPattern(host)]).toEqual([host, true]);
  });

  it('has its token endpoint and its API at its hosts, if the secret does not say otherwise', () => {
    const changes = fields.required.includes('baseUrl') ? { baseUrl: `https://${hosts[0]?.replace('*', 'acme')}` } : {};
    const environments = fields.optional.includes('environment') ? ['demo', 'production'] : [undefined];
    for (const environment of environments) {
      const account = accountOf(id, { ...changes, environment });
      expect([account.base, isOnHosts(account.base, hosts)]).toEqual([account.base, true]);
      const baseUrl = baseUrlOf(account);
      expect([baseUrl, isOnHosts(baseUrl, hosts)]).toEqual([baseUrl, true]);
      expect(account.logIn().url).toContain(`${account.base}/`);
    }
  });

  it('takes a base URL at any host, if the deployment does not forbid it', () => {
    expect(problemsWith(foreign, { hosts: [], ownBaseUrl: true, loopback: true })).toEqual([]);
    expect(accountOf(id, { baseUrl: `${foreign}/x` }).base).toBe(`${foreign}/x`);
  });

  it('takes http: addresses on loopback on a laptop only, and no other name of a host', () => {
    const rules = { hosts: [], ownBaseUrl: true, loopback: false };
    for (const field of ['baseUrl', 'apiBaseUrl']) {
      const opened = definition.open({ ...secret, baseUrl: foreign, [field]: 'http://127.0.0.1:1' }, rules);
      const message = `"${field}" begins with http:, which works on a laptop only: give an https: address`;
      expect(opened).toEqual({ ok: false, problems: [{ field, message }] });
    }
    const dotted = problemsWith(`${foreign}.`, { ...rules, loopback: true });
    expect(dotted).toMatchObject([
      { field: 'baseUrl', message: expect.stringMatching(/^"baseUrl" is not a base URL/) },
    ]);
  });

  it('takes a base URL only at its hosts, if the deployment says so, and names the field otherwise', () => {
    const rules = { hosts: ['proxy.example.com', '*.proxies.example.com'], ownBaseUrl: false, loopback: true };
    const own = hosts.map(host => `https://${host.replace('*', 'acme')}/x`);
    for (const baseUrl of [...own, 'https://proxy.example.com', 'https://a.b.proxies.example.com'])
      expect([baseUrl, problemsWith(baseUrl, rules)]).toEqual([baseUrl, []]);
    const allowed = [...hosts, ...rules.hosts].join(', ');
    const message = `"baseUrl" is on another host than ${allowed}, which this deployment does not allow`;
    for (const baseUrl of [foreign, 'http://127.0.0.1:1', 'https://proxy.example.com:8443', 'https://10.0.0.1']) {
      expect(problemsWith(baseUrl, rules)).toEqual([{ field: 'baseUrl', message }]);
    }
  });

  it('has its API at `apiBaseUrl` and its token endpoint where it was, if the secret says so', () => {
    const account = accountOf(id, { apiBaseUrl: `${foreign}/api` });
    expect(baseUrlOf(account)).toBe(`${foreign}/api`);
    expect([account.base, account.sessionBinding]).toEqual([accountOf(id).base, accountOf(id).sessionBinding]);
    const opened = definition.open(
      { ...secret, apiBaseUrl: foreign },
      { hosts: [], ownBaseUrl: false, loopback: true },
    );
    expect(opened.ok ? [] : opened.problems.map(({ field }) => field)).toContain('apiBaseUrl');
  });

  it('binds a session to the URL it is sent to and to its client, and to nothing else', () => {
    const bindingOf = (changes: object) => accountOf(id, { ...changes }).sessionBinding;
    const here = { baseUrl: `${foreign}/a` };
    const binding = bindingOf(here);
    expect(binding === undefined).toBe(accountOf(id).refresh === undefined);
    if (binding === undefined) return;
    expect(binding).toMatch(/^[0-9a-f]{16}$/);
    expect(bindingOf({ baseUrl: `${foreign}/a/` })).toBe(binding);
    for (const baseUrl of [`${foreign}/b`, `${foreign}:8443/a`, 'https://other.example.com/a'])
      expect([baseUrl, bindingOf({ baseUrl }) === binding]).toEqual([baseUrl, false]);
    for (const field of credentials) {
      const changed = bindingOf({ ...here, [field]: 'another' }) !== binding;
      expect([field, changed], `"clients" in this test needs a row for ${id}`).toEqual([
        field,
        clients[id]?.includes(field),
      ]);
    }
  });

  it('has a limit for each origin and shared credential, under a key that holds no credential', () => {
    const keyOf = (changes: object) => accountOf(id, { ...changes }).limitKey;
    const here = { baseUrl: `${foreign}/a` };
    const key = keyOf(here);
    expect(key).toMatch(new RegExp(`^${id}#[0-9a-f]{16}$`));
    expect(keyOf({ baseUrl: `${foreign}/b` })).toBe(key);
    for (const baseUrl of [`${foreign}:8443/a`, 'https://other.example.com/a', 'http://127.0.0.1:1/a'])
      expect([baseUrl, keyOf({ baseUrl }) === key]).toEqual([baseUrl, false]);
    for (const field of credentials) {
      const changed = keyOf({ ...here, [field]: 'another' }) !== key;
      expect([field, changed], `"counted" in this test needs a row for ${id}`).toEqual([
        field,
        counted[id]?.includes(field) ?? false,
      ]);
    }
  });
});

it('a limit and a session of one provider are never another’s', () => {
  const accounts = providers.map(({ id }) => accountOf(id, { baseUrl: foreign }));
  expect(new Set(accounts.map(({ limitKey }) => limitKey)).size).toBe(providers.length);
  const bindings = accounts.flatMap(({ sessionBinding }) => sessionBinding ?? []);
  expect(new Set(bindings).size).toBe(bindings.length);
});

it('a PowerOffice Go demo has another session than production', () => {
  const bindings = ['demo', 'production'].map(environment => accountOf('poweroffice-v1', { environment }));
  expect(new Set(bindings.map(({ sessionBinding }) => sessionBinding)).size).toBe(2);
});

it('an iOFFICE session outlives the code that it came from, whatever stands in an unused field', () => {
  const browser = { username: undefined, password: undefined, authorizationCode: 'first' };
  const { sessionBinding } = accountOf('ioffice', browser);
  for (const changes of [{ authorizationCode: 'second' }, { username: 'left-over' }, { password: 'left-over' }])
    expect(accountOf('ioffice', { ...browser, ...changes }).sessionBinding).toBe(sessionBinding);
  expect(accountOf('ioffice', { ...browser, clientId: 'another' }).sessionBinding).not.toBe(sessionBinding);
  expect(accountOf('ioffice').sessionBinding).not.toBe(sessionBinding);
});
