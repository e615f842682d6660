import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { closedPort, listening } from '../kit/loopback.ts';
import {
  acme,
  answeringJson,
  checked,
  commanded,
  expectNothingPlanted,
  plantedLogin,
  REFRESH,
  type ServerAnswer,
  TOKEN,
  tried,
  writtenFile,
} from './provider-command.ts';

describe('npm run provider -- check', () => {
  it('prints every request, with names in place of all values', async () => {
    const { code, out, problems } = await checked(writtenFile('acme.json', acme));
    expect({ code, problems }).toEqual({ code: 0, problems: '' });
    expect(out).toBe(
      `acme: Acme Accounting

Login
  POST https://eu.acme.example/<tenant>/token
  accept: application/json
  Authorization: Basic <clientId>:<clientSecret> in base64
  Content-Type: application/x-www-form-urlencoded
  X-Note: <note>

  grant_type=client_credentials

Refresh
  POST https://eu.acme.example/token
  accept: application/json
  Content-Type: application/json

  {
    "token": "<refreshToken>",
    "client": [
      "<clientId>"
    ]
  }

Consumers send
  Authorization: Bearer <token>
  to <answer.svc>, otherwise https://eu.acme.example/api/<clientId>

Read from the answer
  token          access_token
  refresh token  refresh_token
  expiry         expires_in (seconds)

Times and limits
  lifetime       20m00s
  renewed        after ${100 * defaultPolicy.refreshAt} % of its life
  polling        every 2m00s`,
    );
  });

  it('shows fields that are not secret, leaves out what the secret leaves out, and names the path for the file', async () => {
    const port = await closedPort();
    const secret = { tenant: 'oslo', region: 'us', ...plantedLogin, baseUrl: `http://127.0.0.1:${port}` };
    const { code, out } = await checked(writtenFile('x.json', acme), '--secret', writtenFile('secret.json', secret));
    expect(code).toBe(1);
    expect(out).toContain(`POST http://127.0.0.1:${port}/oslo/token\n`);
    expect(out).not.toContain('X-Note');
    expect(out).toContain('save it as providers/acme.json');
    expect(out).toContain('Login: network. The provider cannot be reached');
    expectNothingPlanted(out);
  });

  it('logs in, refreshes, and prints the results', async () => {
    const answer = { access_token: TOKEN, expires_in: 1200, refresh_token: REFRESH, clientId: plantedLogin.clientId };
    const second = { access_token: `${TOKEN}-2`, expires_in: '600' };
    const { code, out, calls, baseUrl } = await tried([answeringJson(answer), answeringJson(second)]);
    expect({ code, calls }).toEqual({ code: 0, calls: 2 });
    const [login = '', refresh = ''] = out.slice(out.indexOf('Login: ')).split('Refresh: ');
    expect(login).toMatch(/^Login: granted\.\n {2}token valid until \d{4}-\S+Z \(20m00s\)\n/);
    expect(login).toContain(`  base URL: ${baseUrl}/api/<clientId>\n  headers: Authorization\n  refresh token: yes\n`);
    expect(refresh).toMatch(/^granted\.\n {2}token valid until \S+ \(10m00s\)\n/);
    expect(refresh).toContain('refresh token: no');
  });

  it('hides what an answer puts into the base URL', async () => {
    const svc = (path: string) => (request: IncomingMessage, response: ServerResponse) =>
      answeringJson({ access_token: TOKEN, expires_in: 60, svc: `http://${request.headers.host}/${path}` })(
        request,
        response,
      );
    const { clientId, clientSecret } = plantedLogin;
    for (const path of [TOKEN, clientSecret, encodeURIComponent(clientSecret), `a/${clientId}.x`]) {
      const { code, out } = await tried([svc(path)]);
      expect(code).toBe(0);
      expect(out).toMatch(/base URL: http:\S+<\w+>/);
    }
    const { out } = await tried([svc('q7')], { secret: { clientSecret: 'q7' } });
    expect(out).not.toContain('q7');
  });

  it('says which of two steps was refused', async () => {
    const step = (path: string, more: object) => ({ url: `{base}/${path}`, form: { id: '{clientId}', ...more } });
    const definition = { ...acme, login: [step('code', {}), step('token', { code: '{answer.code}' })] };
    const malformed = (which: string) => ({
      code: 1,
      out: expect.stringMatching(new RegExp(`^Login, ${which} step: malformed_answer`, 'm')),
    });
    expect(await tried([answeringJson({ cod: 'x' })], { definition })).toMatchObject(malformed('first'));
    const answers = [answeringJson({ code: 'x' }), answeringJson({ token: 'x' })];
    expect(await tried(answers, { definition })).toMatchObject(malformed('second'));
  });

  it('shows the paths of the answer, and what limits calls', async () => {
    const { out } = await checked(
      writtenFile('acme.json', {
        ...acme,
        lifetime: '1h',
        answer: {
          token: 'data.t',
          expiry: 'never stated',
          sessionEnd: [{ claim: 'end', as: 'date' }, { after: '30d' }],
        },
        match: { org: 'tenant' },
        errors: [{ status: 418, grant: 'refresh', means: 'retry', code: 'rate_limited' }],
        rateLimit: { calls: 5, per: '60s', sharedBy: 'clientId' },
        locks: { user: 'clientId', password: 'clientSecret' },
        renewWithin: '10m',
      }),
    );
    expect(out.slice(out.indexOf('Read from'))).toBe(`Read from the answer
  token          data.t
  refresh token  refresh_token
  expiry         never stated: 1h00m
  session end    the claim end (date), otherwise 720h00m after each answer
  must match     org = {tenant}
  error          418 to a refresh: rate_limited (retry)

Times and limits
  lifetime       1h00m
  renewed        in its last 10m00s
  polling        every 1m00s
  rate limit     5 in 1m00s, shared by those with the same {clientId}
  locks          wrong logins of {clientId} may lock it: each is tried once`);
  });

  it('refuses the id of a built-in provider, and an unknown command', async () => {
    const { code, problems } = await checked(writtenFile('ioffice.json', { ...acme, id: 'ioffice' }));
    expect(code).toBe(2);
    expect(problems).toMatch(/"ioffice" is the id of a built-in provider: choose another "id"\.$/);
    expect(await commanded('chek', 'acme.json')).toEqual({
      ...{ code: 2, out: '' },
      problems: 'There is no command "chek". Use: npm run provider -- check acme.json',
    });
  });

  it('prints warnings in words', async () => {
    const { code, out } = await tried([answeringJson({ access_token: TOKEN })]);
    expect(code).toBe(0);
    expect(out).toContain('warning: lifetime_assumed: the answer states no expiry');
    const short = await tried([answeringJson({ access_token: TOKEN, expires_in: 60 })]);
    expect(short.out).toContain('warning: lifetime_short: the token expires too soon for the schedule');
    expect(out).toContain('Refresh: not tried, since the answer has no refresh token.');
  });

  const echo = { error_description: `${plantedLogin.clientSecret} ${TOKEN}`, token: TOKEN, [plantedLogin.clientId]: 1 };
  it.each<[string, ServerAnswer, RegExp]>([
    [
      'a client',
      answeringJson({ error: 'invalid_client', ...echo }, 401),
      /^Login: invalid_client \(HTTP 401\)\. .*secret\.$/m,
    ],
    [
      'a scope',
      answeringJson({ error: 'invalid_scope', ...echo }, 400),
      /^Login: invalid_scope \(HTTP 400\)\. .*scope/m,
    ],
    ['no reason', answeringJson(echo, 403), /^Login: access_refused \(HTTP 403\)\. .*firewall/m],
    ['an outage', answeringJson(echo, 500), /^Login: provider_error \(HTTP 500\)\. .*Try again later\.$/m],
    [
      'HTML',
      answeringJson(`<p>${TOKEN} ${plantedLogin.clientSecret}</p>`),
      /^Login: malformed_answer \(HTTP 200\)\. .*"answer"/m,
    ],
    ['a token elsewhere', answeringJson({ data: echo }), /^Login: malformed_answer/m],
    ['a token that no header can carry', answeringJson({ access_token: `${TOKEN}\n` }), /^Login: malformed_answer/m],
    [
      'a foreign base URL',
      answeringJson({ access_token: TOKEN, svc: `https://${TOKEN}.test` }),
      /^Login: service_uri_refused/m,
    ],
    ['a redirect', (_, to) => void to.writeHead(302, { location: `/${TOKEN}` }).end(), /^Login: redirected/m],
    ['a limit', answeringJson(echo, 429), /^Login: rate_limited \(HTTP 429\)/m],
    ['nothing', (_, response) => void response.destroy(), /^Login: network/m],
  ])('ends with 1 and says what to do: %s', async (_, answer, words) => {
    expect(await tried([answer])).toMatchObject({
      ...{ code: 1, problems: '', calls: 1 },
      out: expect.stringMatching(words),
    });
  });

  it('ends with 1 if the refresh token is refused', async () => {
    const login = answeringJson({ access_token: TOKEN, expires_in: 1200, refresh_token: REFRESH });
    const { code, out } = await tried([login, answeringJson({ error: 'invalid_grant', hint: REFRESH }, 400)]);
    expect(code).toBe(1);
    expect(out).toMatch(/^Login: granted\.$/m);
    expect(out).toMatch(/^Refresh: invalid_grant \(HTTP 400\)\./m);
  });

  it('does not use up what works once', async () => {
    const definition = {
      ...acme,
      fields: { ...acme.fields, first: { purpose: 'the first refresh token' } },
      login: undefined,
      redeem: { field: 'first' },
    };
    const { code, out, calls, problems } = await tried([], { definition, secret: { first: REFRESH } });
    expect({ code, calls, problems }).toEqual({ code: 0, calls: 0, problems: '' });
    expect(out).toContain('"first" works only once');
  });

  it('tries one of several connections', async () => {
    const server = createServer((_, response) => response.end(JSON.stringify({ access_token: TOKEN, expires_in: 60 })));
    const baseUrl = `http://127.0.0.1:${await listening(server)}`;
    const secret = writtenFile('s.json', {
      ...plantedLogin,
      baseUrl,
      connections: { oslo: { tenant: 'oslo' }, bergen: {} },
    });
    const definition = writtenFile('acme.json', acme);
    expect((await checked(definition, '--secret', secret, '--key', 'oslo')).code).toBe(0);
    expect((await checked(definition, '--secret', secret)).problems).toContain('--key (one of oslo, bergen)');
    expect((await checked(definition, '--secret', secret, '--key', 'bergen')).problems).toContain(
      '"tenant" is missing',
    );
    expect((await checked(definition, '--secret', secret, '--key', 'x')).code).toBe(2);
  });
});
