import { describe, expect, it } from 'vitest';
import { hours, minutes, seconds } from '../../lib/core/types.ts';
import { type SimulatedAccount, simulatedAccount } from '../../local/simulators/accounts.ts';
import {
  bodyOf,
  clientOf,
  granted,
  refreshTokenOf,
  sendingInstead,
  simulatorsOf,
  start,
  statusOf,
  withForm,
  withHeaders,
} from '../kit/client.ts';

type Change = Parameters<typeof sendingInstead>[1];

/** The status and the error of the answer to another login than the right one. */
const errorOf = (account: SimulatedAccount, change: Change) => {
  const reply = sendingInstead(account, change);
  return [statusOf(reply), bodyOf(reply).error];
};

describe('poweroffice-v1', () => {
  const account = simulatedAccount('poweroffice-v1', 'acme');

  it('gives only a legacy integration a refresh token, and a refresh brings no other', () => {
    expect(granted(start(account).client.logIn())).not.toHaveProperty('refreshToken');
    const { world, client } = start(simulatedAccount('poweroffice-v1', 'acme', { trait: 'legacy' }));
    const refreshToken = refreshTokenOf(granted(client.logIn()));
    for (let i = 0; i < 3; i += 1) {
      const token = granted(client.refresh(refreshToken));
      expect(token).not.toHaveProperty('refreshToken');
      expect(client.use(token)).toBe(200);
    }
    world.pass(hours(24));
    expect(client.refresh(refreshToken)).toMatchObject({ kind: 'refused', code: 'invalid_grant' });
  });

  it('compares the keys byte for byte', () => {
    const { appKey = '', clientKey = '' } = account.fields;
    const encoded = Buffer.from(`${appKey}:${clientKey}`.replaceAll('-', '%2D')).toString('base64');
    const reply = sendingInstead(account, withHeaders({ Authorization: `Basic ${encoded}` }));
    expect([statusOf(reply), bodyOf(reply)]).toEqual([400, { error: 'invalid_client' }]);
  });

  it.each<[string, Change, string]>([
    ['JSON', withHeaders({ 'Content-Type': 'application/json' }), 'invalid_request'],
    ['another grant', withForm({ grant_type: 'password' }), 'unsupported_grant_type'],
    ['each field twice', right => ({ ...right, body: `${right.body}&${right.body}` }), 'invalid_request'],
  ])('refuses %s', (_, change, error) => {
    expect(errorOf(account, change)).toEqual([400, error]);
  });

  it('accepts 50 requests a second', () => {
    const { client } = start(account);
    for (let i = 0; i < 50; i += 1) granted(client.logIn());
    expect(client.logIn()).toMatchObject({ kind: 'retry', code: 'rate_limited' });
  });
});

describe('poweroffice-v2', () => {
  const account = simulatedAccount('poweroffice-v2', 'acme');

  it('answers a wrong subscription key as its gateway does', () => {
    const { client } = start(account, { subscriptionKey: 'wrong' });
    expect(client.logIn()).toEqual({ kind: 'refused', code: 'subscription_key_refused', status: 401 });
    const reply = sendingInstead(account, withHeaders({ 'Ocp-Apim-Subscription-Key': '' }));
    expect(bodyOf(reply)).toEqual({ statusCode: 401, message: expect.stringContaining('Access denied') });
  });

  it('wants the subscription key with every call of the API', () => {
    const { client } = start(account);
    const token = granted(client.logIn());
    const { Authorization = '' } = token.headers;
    expect(client.use({ ...token, headers: { Authorization } })).toBe(401);
    expect(client.use({ ...token, baseUrl: token.baseUrl.replace('/v2', '') })).toBe(401);
  });

  it('accepts a token only with the subscription key of its integration', () => {
    const fields = { ...account.fields, subscriptionKey: 'made-up-other-key' };
    const stranger = { ...account, name: 'stranger', fields };
    const world = simulatorsOf([account, stranger]);
    const client = clientOf(world, account);
    const token = granted(client.logIn());
    const headers = { ...token.headers, 'Ocp-Apim-Subscription-Key': 'made-up-other-key' };
    expect([client.use(token), client.use({ ...token, headers })]).toEqual([200, 401]);
  });

  it('counts 10 requests a second over all customers', () => {
    const { world, client } = start(account);
    const other = clientOf(world, simulatedAccount('poweroffice-v2', 'another'));
    for (let i = 0; i < 5; i += 1) {
      granted(client.logIn());
      granted(other.logIn());
    }
    expect(client.logIn()).toMatchObject({ kind: 'retry', code: 'rate_limited', retryAfter: 1000 });
    world.pass(seconds(1));
    expect(client.logIn().kind).toBe('granted');
  });
});

describe('officernd', () => {
  const account = simulatedAccount('officernd', 'acme');

  it('accepts five requests a minute, including failed ones', () => {
    const { world, client } = start(account);
    const wrong = clientOf(world, account, { clientSecret: 'wrong' });
    for (let i = 0; i < 4; i += 1) expect(wrong.logIn().kind).toBe('refused');
    granted(client.logIn());
    const reply = world.send(client.account.logIn());
    expect(reply).toMatchObject({ status: 429, body: 'Too many requests, please try again later' });
    world.pass(minutes(1) - 1);
    expect(client.logIn()).toMatchObject({ kind: 'retry', code: 'rate_limited' });
    world.pass(minutes(1));
    granted(client.logIn());
  });

  it('has a shorter minute if it is scaled', () => {
    const { world, client } = start(account, {}, 60);
    for (let i = 0; i < 5; i += 1) granted(client.logIn());
    world.pass(seconds(1));
    granted(client.logIn());
  });

  it('refuses more scope than the application holds, and grants less', () => {
    const more = start(account, { scope: 'officernd.api.read officernd.api.admin' });
    expect(more.client.logIn()).toMatchObject({ kind: 'refused', code: 'invalid_scope' });
    const less = 'officernd.api.read';
    expect(bodyOf(sendingInstead(account, withForm({ scope: less }))).scope).toBe(less);
  });

  it('keeps organizations apart', () => {
    const { client } = start(account, { organizationSlug: 'another' });
    expect(client.use(granted(client.logIn()))).toBe(401);
  });

  it('says 3599 seconds', () => {
    expect(bodyOf(sendingInstead(account, right => right)).expires_in).toBe(3599);
  });
});

describe('powerepos', () => {
  const account = simulatedAccount('powerepos', 'acme');

  it('moves the service address with every token, and takes a token only there', () => {
    const { client } = start(account);
    const first = granted(client.logIn());
    const second = granted(client.refresh(refreshTokenOf(first)));
    expect(second.baseUrl).not.toBe(first.baseUrl);
    expect(client.use({ headers: second.headers, baseUrl: first.baseUrl })).toBe(401);
  });

  it('gives a refresh token for offline_access only', () => {
    const { client } = start(account, { scope: 'partnerservices' });
    expect(granted(client.logIn())).not.toHaveProperty('refreshToken');
  });

  it.each([
    ['org_id', 'ORG-OTHER', 'invalid_grant'],
    ['username', 'person@example.com', 'invalid_grant'],
    ['client_secret', 'wrong', 'invalid_client'],
    ['scope', 'offline_access', 'invalid_scope'],
    ['grant_type', 'client_credentials', 'unsupported_grant_type'],
  ])('refuses another %s', (field, value, error) => {
    expect(errorOf(account, withForm({ [field]: value }))).toEqual([400, error]);
  });

  it('gives an organisation nothing for the refresh token of another', () => {
    const { world, client } = start(account);
    const refreshToken = refreshTokenOf(granted(client.logIn()));
    const other = clientOf(world, simulatedAccount('powerepos', 'another'));
    expect(other.refresh(refreshToken)).toMatchObject({ kind: 'refused', code: 'invalid_grant' });
    granted(client.refresh(refreshToken));
  });
});

describe('petrosoft', () => {
  const account = simulatedAccount('petrosoft', 'acme');

  it('does not extend a session: a chain of refreshes ends at the wall', () => {
    const { world, client } = start(account);
    const first = granted(client.logIn());
    world.pass(seconds(27));
    const refreshed = world.send(client.account.refresh?.(refreshTokenOf(first)) ?? client.account.logIn());
    expect(bodyOf(refreshed)).toMatchObject({ expires_in: 86_373, refresh_expires_in: 86_373, 'not-before-policy': 0 });

    let token = granted(client.logIn());
    const wall = token.expiresAt;
    for (let left = wall - world.now(); left > seconds(1); left = wall - world.now()) {
      world.pass(left / 2);
      token = granted(client.refresh(refreshTokenOf(token)));
      expect([token.expiresAt, token.sessionEndsAt]).toEqual([wall, wall]);
    }
    world.pass(seconds(1));
    const refused = { kind: 'refused', code: 'session_refused', status: 500 };
    expect(client.refresh(refreshTokenOf(token))).toMatchObject(refused);
    expect(client.use(token)).toBe(401);
    expect(granted(client.logIn()).expiresAt).toBe(world.now() + hours(24));
  });

  it.each(['made.up', 'made.up.three', 'madeup'])('echoes the refresh token %s in a 500', token => {
    const { world, client } = start(account);
    const reply = world.send(client.account.refresh?.(token) ?? client.account.logIn());
    expect(statusOf(reply)).toBe(500);
    const message = expect.stringContaining(`Token: ${token}`);
    expect(bodyOf(reply)).toMatchObject({ success: false, http_code: 500, message });
  });

  it('answers for a restricted account, and for a body that is not JSON', () => {
    const { client } = start(simulatedAccount('petrosoft', 'acme', { trait: 'restricted' }));
    expect(client.logIn()).toMatchObject({ kind: 'rejected', code: 'account_restricted' });
    expect(statusOf(sendingInstead(account, withHeaders({ 'Content-Type': 'text/plain' })))).toBe(400);
    expect(statusOf(sendingInstead(account, right => ({ ...right, body: '{' })))).toBe(400);
  });
});

describe('ioffice', () => {
  const account = simulatedAccount('ioffice', 'acme');

  it('gives a code that is good for five minutes and once; a second time it ends what the first brought', () => {
    const { world, client } = start(account);
    const redeem = () => {
      const code = bodyOf(world.send(client.account.logIn()));
      return client.account.exchange?.(code) ?? client.account.logIn();
    };
    const late = redeem();
    world.pass(minutes(5));
    expect([statusOf(world.send(late)), bodyOf(world.send(late)).error]).toEqual([400, 'invalid_grant']);

    const once = redeem();
    const token = bodyOf(world.send(once));
    const use = () =>
      client.use({ headers: { 'x-access-token': token.access_token }, baseUrl: `${world.url}/ioffice` });
    expect([token.expires_in, use()]).toEqual([hours(4), 200]);
    expect(statusOf(world.send(once))).toBe(400);
    expect(use()).toBe(401);
  });

  it('does not use Bearer', () => {
    const { client } = start(account);
    const token = granted(client.logIn());
    expect(client.use({ ...token, headers: { Authorization: `Bearer ${token.accessToken}` } })).toBe(401);
  });

  it('says what is wrong in camelCase', () => {
    const reply = sendingInstead(account, withHeaders({ 'x-auth-password': 'wrong' }));
    expect(statusOf(reply)).toBe(401);
    expect(bodyOf(reply)).toEqual({ error: 'invalid_grant', errorDescription: expect.any(String) });
  });

  it('refuses a body that is not JSON, more scope, and another redirect URI', () => {
    expect(errorOf(account, withHeaders({ 'Content-Type': 'text/plain' }))).toContain('invalid_request');
    expect(errorOf(account, withHeaders({ 'x-scope': 'more' }))).toContain('invalid_scope');
    const { client } = start(account, { redirectUri: 'https://example.com/other' });
    expect(client.logIn()).toMatchObject({ code: 'invalid_client' });
  });

  it('revokes a login by either of its tokens', () => {
    for (const which of ['accessToken', 'refreshToken'] as const) {
      const { world, client } = start(account);
      const token = granted(client.logIn());
      const revoke = client.provider.revoke?.(`${world.url}/ioffice`, token[which] ?? '');
      expect(revoke && statusOf(world.send(revoke))).toBe(200);
      expect(client.use(token)).toBe(401);
      expect(client.refresh(refreshTokenOf(token)).kind).toBe('refused');
    }
  });

  it('has the browser variant: a code in the fragment, redeemed without a login', () => {
    const { world } = start(account);
    const { clientId = '', redirectUri = '', scope = '' } = account.fields;
    const page = (query: Record<string, string>) =>
      world.send({ method: 'GET', url: `${world.url}/ioffice/login.html?${new URLSearchParams(query)}`, headers: {} });
    const query = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope, state: 'kept' };
    const reply = page(query);
    const location = new URL((reply.kind === 'answer' && reply.headers.location) || '');
    const fragment = new URLSearchParams(location.hash.slice(1));
    expect([statusOf(reply), fragment.get('state'), location.search]).toEqual([302, 'kept', '']);

    const withoutLogin = { username: undefined, password: undefined, authorizationCode: fragment.get('code') };
    const client = clientOf(world, account, withoutLogin);
    const token = granted(client.logIn());
    expect(client.use(granted(client.refresh(refreshTokenOf(token))))).toBe(200);
    expect(statusOf(page({ ...query, redirect_uri: 'https://example.com/thief' }))).toBe(400);
  });
});
