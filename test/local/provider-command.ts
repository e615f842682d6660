import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runProviderCommand } from '../../local/provider/run.ts';
import { temporaryFolder } from '../kit/laptop-process.ts';
import { listening } from '../kit/loopback.ts';

/** A definition, a secret with planted values that no output may hold, and the command that tries them. */

export const acme = {
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
export const plantedLogin = { clientId: 'planted-client-5d', clientSecret: 'planted-secret/81+%' };
export const TOKEN = 'Planted-Token-77f0';
export const REFRESH = 'planted-refresh-token-c2';

export const writtenFile = (name: string, content: unknown, folder = temporaryFolder()): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

export const commanded = async (...args: string[]) => {
  const results: string[] = [];
  const problems: string[] = [];
  const printer = { result: (line: string) => results.push(line), problem: (line: string) => problems.push(line) };
  const code = await runProviderCommand(args, printer);
  return { code, out: results.join('\n'), problems: problems.join('\n') };
};
export const checked = (...args: string[]) => commanded('check', ...args);

export const expectNothingPlanted = (text: string) => {
  expect(text).not.toMatch(/planted-(client|secret|token|refresh)/i);
  expect(text).not.toContain(Buffer.from(`${plantedLogin.clientId}:${plantedLogin.clientSecret}`).toString('base64'));
};

export type ServerAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** Tries the secret at a server with these answers, one after the other. */
export const tried = async (
  answers: readonly ServerAnswer[],
  { definition = acme as object, secret = {} as object } = {},
) => {
  const left = [...answers];
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    left.shift()?.(request, response) ?? response.destroy();
  });
  const baseUrl = `http://127.0.0.1:${await listening(server)}`;
  const file = writtenFile('secret.json', { tenant: 'oslo', ...plantedLogin, baseUrl, ...secret });
  const ended = await checked(writtenFile('acme.json', definition), '--secret', file);
  expectNothingPlanted(ended.out + ended.problems);
  return { ...ended, calls, baseUrl };
};

export const answeringJson =
  (body: unknown, status = 200): ServerAnswer =>
  (_, response) =>
    void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
