import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hours } from '../../lib/core/types.ts';
import { providerIds } from '../../lib/providers/index.ts';
import { addedProviders } from '../../local/providers.ts';
import { UsageError } from '../../local/usage-error.ts';
import {
  type ListedConnection,
  runLaptop,
  startLaptop,
  statusesOf,
  temporaryFolder,
  writeSecrets,
} from '../kit/laptop-process.ts';
import { listening } from '../kit/loopback.ts';
import { itThorough } from '../kit/thorough.ts';

const TIMEOUT = 30_000;

const acme = {
  id: 'acme',
  title: 'Acme Accounting',
  source: 'made up',
  lifetime: '20m',
  fields: { clientId: { purpose: 'the client id' }, clientSecret: { purpose: 'the client secret' } },
  base: 'https://login.acme.example',
  apiBase: 'https://api.acme.example',
  login: {
    url: '{base}/token',
    basic: { user: '{clientId}', password: '{clientSecret}' },
    form: { grant_type: 'client_credentials' },
  },
  refresh: { url: '{base}/token', form: { grant_type: 'refresh_token', refresh_token: '{refreshToken}' } },
  sessionOf: ['clientId'],
  consumer: { baseUrl: '{apiBase}/v1' },
  hosts: ['*.acme.example'],
};

const folderOf = (files: Readonly<Record<string, unknown>>, folder = temporaryFolder()): string => {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
};

const linesOf = (stdout: string): readonly ListedConnection[] => JSON.parse(stdout).connections;

describe('npm start -- --providers', { timeout: TIMEOUT }, () => {
  it('also serves the providers of the folder, each with a simulated connection', async () => {
    const laptop = startLaptop(['--port', '0', '--providers', folderOf({ 'acme.json': acme, 'notes.txt': 'x' })]);
    await expect
      .poll(async () => statusesOf((await laptop.get('/connections')).json.connections)['acme/example'], {
        timeout: TIMEOUT,
      })
      .toBe('healthy');
    const { json } = await laptop.get('/connections');
    expect(new Set(json.connections.map(({ connection }) => connection.split('/')[0]))).toEqual(
      new Set([...providerIds, 'acme']),
    );
    const token = await laptop.get('/tokens/acme/example');
    expect(token).toMatchObject({ status: 200, json: { baseUrl: expect.stringMatching(/\/acme\/v1$/) } });
    const use = async (headers: Readonly<Record<string, string>>) =>
      (await fetch(`${token.json.baseUrl}/anything`, { headers })).status;
    expect([await use(token.json.headers), await use({})]).toEqual([200, 401]);
    const body = JSON.stringify({ issuedAt: token.json.issuedAt });
    const renewed = await laptop.get('/tokens/acme/example', { method: 'POST', body });
    expect(renewed.status).toBe(200);
    expect(renewed.json.accessToken).not.toBe(token.json.accessToken);
  });

  itThorough(
    'serves definitions in providers/ of the working directory by default, and none if there is no such folder',
    async () => {
      const cwd = temporaryFolder();
      mkdirSync(join(cwd, 'providers'));
      folderOf({ 'acme.json': acme }, join(cwd, 'providers'));
      const [there, elsewhere] = await Promise.all([
        runLaptop(['--once', '--json'], { cwd }),
        runLaptop(['--once', '--json'], { cwd: temporaryFolder() }),
      ]);
      expect([there.code, elsewhere.code]).toEqual([0, 0]);
      expect(statusesOf(linesOf(there.stdout))['acme/example']).toBe('healthy');
      expect(Object.keys(statusesOf(linesOf(elsewhere.stdout)))).not.toContain('acme/example');
    },
  );

  it('renews when their definitions say', async () => {
    const definitions = { 'early.json': { refreshAt: 0.2 }, 'late.json': { renewWithin: '10m' } };
    const written = Object.entries(definitions).map(([file, parts]) => {
      const id = file.slice(0, -'.json'.length);
      return [file, { ...acme, id, lifetime: '8h', ...parts }];
    });
    const { stdout } = await runLaptop(['--once', '--json', '--providers', folderOf(Object.fromEntries(written))]);
    const shares = linesOf(stdout).flatMap(({ connection, dueAt, expiresAt }) =>
      /^(?:early|late)\//.test(connection) ? [(Date.parse(expiresAt) - Date.parse(dueAt)) / hours(8)] : [],
    );
    const [early = 0, late = 0] = shares.toSorted().reverse();
    expect(early).toBeCloseTo(0.8, 1);
    expect(late).toBeLessThanOrEqual(10 / 480);
  });

  itThorough('takes real credentials for them from --secrets', async () => {
    const server = createServer((_, response) => response.end('{"access_token":"made-up","expires_in":600}'));
    const baseUrl = `http://127.0.0.1:${await listening(server)}`;
    const secrets = temporaryFolder();
    writeSecrets(secrets, { 'acme/oslo': { clientId: 'made-up', clientSecret: 'made-up', baseUrl } });
    const providers = folderOf({ 'acme.json': acme });
    const { code, stdout } = await runLaptop(['--once', '--json', '--secrets', secrets, '--providers', providers]);
    expect(code).toBe(0);
    expect(statusesOf(linesOf(stdout))).toEqual({ 'acme/oslo': 'healthy' });
  });
});

describe('bad input', { timeout: TIMEOUT }, () => {
  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['a wrong definition', { 'acme.json': { ...acme, lifetime: 20 } }, /acme\.json: "lifetime" must be a text\.$/],
    [
      'a definition that is not JSON',
      { 'acme.json': '{' },
      /acme\.json: The file is not JSON: see line 1, column 2\.$/,
    ],
    [
      'another name than its id',
      { 'other.json': acme },
      /other\.json: "id" must be the name of the file, got "acme"\.$/,
    ],
    [
      'the id of a built-in provider',
      { 'petrosoft.json': { ...acme, id: 'petrosoft' } },
      /petrosoft\.json: "petrosoft" is the id of a built-in provider: choose another "id"\.$/,
    ],
    ['a name in upper case', { 'ACME.JSON': acme }, /ACME\.JSON: "id" must be the name of the file, got "acme"\.$/],
    ['nothing', {}, /--providers: .* holds no definitions: put each into <id>\.json\.$/],
  ])('in --providers: %s', (_, files, sentence) => {
    const folder = folderOf(files);
    expect(() => addedProviders(folder)).toThrow(UsageError);
    expect(() => addedProviders(folder)).toThrow(sentence);
  });

  it('in --providers: no folder', async () => {
    const { code, stdout, stderr } = await runLaptop(['--port', '0', '--providers', '/nowhere/at/all']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^--providers: \/nowhere\/at\/all is not a folder.*\n$/);
  });
});
