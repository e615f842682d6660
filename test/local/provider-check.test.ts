import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { epochMs } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { providerUsage, runProviderCommand } from '../../local/provider/run.ts';
import { type SimulatedAccount, simulatedAccount } from '../../local/simulators/accounts.ts';
import { madeUpAccount } from '../../local/simulators/generic/made-up.ts';
import { startSimulators } from '../../local/simulators/server.ts';
import { temporaryFolder } from '../kit/laptop-process.ts';
import { closedPort, listening } from '../kit/loopback.ts';
import { strangeFiles, strangeProviders } from './strange-definitions.ts';

const acme = {
  id: 'acme',
  title: 'Acme Accounting',
  source: 'made up',
  lifetime: '20m',
  fields: {
    tenant: { purpose: 'the tenant', secret: false },
    clientId: { purpose: 'the client id' },
    clientSecret: { purpose: 'the client secret' },
    region: { purpose: 'the region', oneOf: ['eu', 'us'], default: 'eu' },
    note: { purpose: 'a note', optional: true },
  },
  base: { by: 'region', of: { eu: 'https://eu.acme.example', us: 'https://us.acme.example' } },
  login: {
    url: '{base}/{tenant}/token',
    basic: { user: '{clientId}', password: '{clientSecret}' },
    headers: { 'X-Note': '{note}' },
    form: { grant_type: 'client_credentials' },
  },
  refresh: { url: '{base}/token', json: { token: '{refreshToken}', client: ['{clientId}'] } },
  sessionOf: ['clientId'],
  consumer: { baseUrl: ['{answer.svc}', '{base}/api/{clientId}'] },
  hosts: ['*.acme.example'],
};
const planted = { clientId: 'planted-client-5d', clientSecret: 'planted-secret/81+%' };
const TOKEN = 'Planted-Token-77f0';
const REFRESH = 'planted-refresh-token-c2';

const written = (name: string, content: unknown, folder = temporaryFolder()): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

const checked = async (...args: string[]) => {
  const results: string[] = [];
  const problems: string[] = [];
  const code = await runProviderCommand(['check', ...args], {
    result: line => results.push(line),
    problem: line => problems.push(line),
  });
  return { code, out: results.join('\n'), problems: problems.join('\n') };
};

const expectNothingPlanted = (text: string) => {
  expect(text).not.toMatch(/planted-(client|secret|token|refresh)/i);
  expect(text).not.toContain(Buffer.from(`${planted.clientId}:${planted.clientSecret}`).toString('base64'));
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Tries the secret at a server with these answers, one after the other. */
const tried = async (answers: readonly Answer[], { definition = acme as object, secret = {} as object } = {}) => {
  const left = [...answers];
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    left.shift()?.(request, response) ?? response.destroy();
  });
  const baseUrl = `http://127.0.0.1:${await listening(server)}`;
  const file = written('secret.json', { tenant: 'oslo', ...planted, baseUrl, ...secret });
  const ended = await checked(written('acme.json', definition), '--secret', file);
  expectNothingPlanted(ended.out + ended.problems);
  return { ...ended, calls, baseUrl };
};

const json =
  (body: unknown, status = 200): Answer =>
  (_, response) =>
    void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));

describe('npm run provider -- check', () => {
  it('prints every request, with names in place of all values', async () => {
    const { code, out, problems } = await checked(written('acme.json', acme));
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
  renewed        after 50 % of its life
  polling        every 2m00s`,
    );
  });

  it('shows fields that are not secret, leaves out what the secret leaves out, and names the path for the file', async () => {
    const port = await closedPort();
    const secret = { tenant: 'oslo', region: 'us', ...planted, baseUrl: `http://127.0.0.1:${port}` };
    const { code, out } = await checked(written('x.json', acme), '--secret', written('secret.json', secret));
    expect(code).toBe(1);
    expect(out).toContain(`POST http://127.0.0.1:${port}/oslo/token\n`);
    expect(out).not.toContain('X-Note');
    expect(out).toContain('save it as providers/acme.json');
    expect(out).toContain('Login: network. The provider cannot be reached');
    expectNothingPlanted(out);
  });

  it('logs in, refreshes, and prints the results', async () => {
    const answer = { access_token: TOKEN, expires_in: 1200, refresh_token: REFRESH, clientId: planted.clientId };
    const second = { access_token: `${TOKEN}-2`, expires_in: '600' };
    const { code, out, calls, baseUrl } = await tried([json(answer), json(second)]);
    expect({ code, calls }).toEqual({ code: 0, calls: 2 });
    const [login = '', refresh = ''] = out.slice(out.indexOf('Login: ')).split('Refresh: ');
    expect(login).toMatch(/^Login: granted\.\n {2}token valid until \d{4}-\S+Z \(20m00s\)\n/);
    expect(login).toContain(`  base URL: ${baseUrl}/api/<clientId>\n  headers: Authorization\n  refresh token: yes\n`);
    expect(refresh).toMatch(/^granted\.\n {2}token valid until \S+ \(10m00s\)\n/);
    expect(refresh).toContain('refresh token: no');
  });

  it('hides what an answer puts into the base URL', async () => {
    const svc = (path: string) => (request: IncomingMessage, response: ServerResponse) =>
      json({ access_token: TOKEN, expires_in: 60, svc: `http://${request.headers.host}/${path}` })(request, response);
    for (const path of [
      TOKEN,
      planted.clientSecret,
      encodeURIComponent(planted.clientSecret),
      `a/${planted.clientId}.x`,
    ]) {
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
    const first = await tried([json({ cod: 'x' })], { definition });
    expect([first.code, first.out]).toEqual([1, expect.stringMatching(/^Login, first step: malformed_answer/m)]);
    const second = await tried([json({ code: 'x' }), json({ token: 'x' })], { definition });
    expect([second.code, second.out]).toEqual([1, expect.stringMatching(/^Login, second step: malformed_answer/m)]);
  });

  it('shows the paths of the answer, and what limits calls', async () => {
    const { out } = await checked(
      written('acme.json', {
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

  it('refuses the id of a built-in provider, and a command that is none', async () => {
    const { code, problems } = await checked(written('ioffice.json', { ...acme, id: 'ioffice' }));
    expect([code, problems]).toEqual([
      2,
      expect.stringMatching(/"ioffice" is the id of a built-in provider: choose another "id"\.$/),
    ]);
    const lines: string[] = [];
    const printer = { result: (line: string) => lines.push(line), problem: (line: string) => lines.push(line) };
    expect(await runProviderCommand(['chek', 'acme.json'], printer)).toBe(2);
    expect(lines).toEqual(['There is no command "chek". Use: npm run provider -- check acme.json']);
  });

  it('prints warnings in words', async () => {
    const { code, out } = await tried([json({ access_token: TOKEN })]);
    expect(code).toBe(0);
    expect(out).toContain('warning: lifetime_assumed: the answer states no expiry');
    const short = await tried([json({ access_token: TOKEN, expires_in: 60 })]);
    expect(short.out).toContain('warning: lifetime_short: the token expires too soon for the schedule');
    expect(out).toContain('Refresh: not tried, since the answer has no refresh token.');
  });

  const echo = { error_description: `${planted.clientSecret} ${TOKEN}`, token: TOKEN, [planted.clientId]: 1 };
  it.each<[string, Answer, RegExp]>([
    [
      'refused',
      json({ error: 'invalid_client', ...echo }, 401),
      /^Login: invalid_client \(HTTP 401\)\. .*update the secret\.$/m,
    ],
    ['a scope', json({ error: 'invalid_scope', ...echo }, 400), /^Login: invalid_scope \(HTTP 400\)\. .*scope/m],
    ['no reason', json(echo, 403), /^Login: access_refused \(HTTP 403\)\. .*firewall/m],
    ['an outage', json(echo, 500), /^Login: provider_error \(HTTP 500\)\. .*Try again later\.$/m],
    ['HTML', json(`<p>${TOKEN} ${planted.clientSecret}</p>`), /^Login: malformed_answer \(HTTP 200\)\. .*"answer"/m],
    ['a token elsewhere', json({ data: echo }), /^Login: malformed_answer/m],
    ['a token that no header can carry', json({ access_token: `${TOKEN}\n` }), /^Login: malformed_answer/m],
    ['a foreign base URL', json({ access_token: TOKEN, svc: `https://${TOKEN}.test` }), /^Login: service_uri_refused/m],
    [
      'a redirect',
      (_, response) => void response.writeHead(302, { location: `/${TOKEN}` }).end(),
      /^Login: redirected/m,
    ],
    ['a limit', json(echo, 429), /^Login: rate_limited \(HTTP 429\)/m],
    ['nothing', (_, response) => void response.destroy(), /^Login: network/m],
  ])('ends with 1 and says what to do: %s', async (_, answer, words) => {
    const { code, out, problems, calls } = await tried([answer]);
    expect({ code, problems, calls }).toEqual({ code: 1, problems: '', calls: 1 });
    expect(out).toMatch(words);
  });

  it('ends with 1 if the refresh token is refused', async () => {
    const login = json({ access_token: TOKEN, expires_in: 1200, refresh_token: REFRESH });
    const { code, out } = await tried([login, json({ error: 'invalid_grant', hint: REFRESH }, 400)]);
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
    const secret = written('s.json', { ...planted, baseUrl, connections: { oslo: { tenant: 'oslo' }, bergen: {} } });
    const definition = written('acme.json', acme);
    expect((await checked(definition, '--secret', secret, '--key', 'oslo')).code).toBe(0);
    expect((await checked(definition, '--secret', secret)).problems).toContain('--key (one of oslo, bergen)');
    expect((await checked(definition, '--secret', secret, '--key', 'bergen')).problems).toContain(
      '"tenant" is missing',
    );
    expect((await checked(definition, '--secret', secret, '--key', 'x')).code).toBe(2);
  });
});

describe('bad input ends with 2', () => {
  it('a wrong definition, with a line for each fault', async () => {
    const file = written('acme.json', { ...acme, lifetime: 20, bas: 1, sessionOf: [] });
    const { code, out, problems } = await checked(file);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(problems.split('\n')).toHaveLength(3);
    for (const line of problems.split('\n')) expect(line.startsWith(`${file}: `)).toBe(true);
  });

  it.each<[string, unknown, RegExp]>([
    ['a missing field', { clientId: planted.clientId }, /"clientSecret" is missing/],
    ['a misspelt field', { tenant: 'o', ...planted, regio: planted.clientId }, /did you mean "region"\?$/],
    ['an unknown word', { tenant: 'o', ...planted, region: planted.clientSecret }, /"region" is neither "eu" nor "us"/],
    ['no JSON', `{"clientSecret": "${planted.clientSecret}"`, /not a JSON object/],
    ['no object', [planted], /not a JSON object/],
    ['no connection', { ...planted, connections: planted.clientId }, /--key \(it has none\)/],
  ])('in a secret: %s', async (_, secret, words) => {
    const { code, out, problems } = await checked(written('acme.json', acme), '--secret', written('s.json', secret));
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(problems).toMatch(words);
    expectNothingPlanted(problems);
  });

  it.each([[[]], [['a.json', 'b.json']], [['a.json', '--bogus']], [['a.json', '--key', 'x']], [['/nowhere.json']]])(
    '%j',
    async args => {
      const { code, out, problems } = await checked(...args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(problems).not.toBe('');
    },
  );

  it('as a process, too; and --help says what there is', () => {
    const spawned = (...args: string[]) =>
      spawnSync(process.execPath, ['local/provider/main.ts', ...args], {
        cwd: join(import.meta.dirname, '../..'),
        encoding: 'utf8',
      });
    expect(spawned('check', '/nowhere.json')).toMatchObject({ status: 2, stdout: '' });
    expect(spawned('--help')).toMatchObject({ status: 0, stdout: `${providerUsage}\n`, stderr: '' });
  });
});

describe('at the simulators', () => {
  const started = async (accounts: readonly SimulatedAccount[]) => {
    const world = { now: () => epochMs(Date.now()), scale: 1, random: () => 0.5 };
    const simulators = await startSimulators({ ...world, accounts, defined: strangeProviders });
    onTestFinished(() => simulators.close());
    return simulators.url;
  };
  const expectGranted = async (file: string, { provider, fields }: SimulatedAccount, url: string) => {
    const secret = written('secret.json', { ...fields, baseUrl: `${url}/${provider}` });
    const { code, out, problems } = await checked(file, '--secret', secret);
    expect({ provider, code, problems }).toEqual({ provider, code: 0, problems: '' });
    for (const value of Object.values(fields).filter(each => /made-up-|feed|PRIVATE/.test(each))) {
      expect(out).not.toContain(value);
      expect(out).not.toContain(encodeURIComponent(value));
    }
    expect(out).not.toMatch(/eyJ|made-up-(client-secret|password|subscription)/);
  };

  it('works for the built-in definitions', async () => {
    const accounts = providers.map(({ id }) => simulatedAccount(id, 'acme'));
    const url = await started(accounts);
    for (const account of accounts)
      await expectGranted(`lib/providers/${account.provider}/definition.json`, account, url);
  });

  it('works for strange ones', async () => {
    const accounts = strangeProviders.map(each => madeUpAccount(each, 'acme'));
    const url = await started(accounts);
    for (const [n, account] of accounts.entries()) {
      await expectGranted(written(`${account.provider}.json`, strangeFiles[n]), account, url);
    }
  });
});
