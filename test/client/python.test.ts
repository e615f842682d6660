import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { apiSourceIn } from '../../lib/client/api-source.ts';
import { pauses, windows } from '../../lib/client/cache.ts';
import { withFallback } from '../../lib/client/fallback.ts';
import { apiPatience, tablePatience } from '../../lib/client/patience.ts';
import { tableSourceIn } from '../../lib/client/table-source.ts';
import { listening } from '../kit/loopback.ts';
import { startGateway } from './gateway.ts';
import { madeEnvironment } from './made.ts';
import { CONNECTION, credentials, KEY, startProduct, TABLE } from './product.ts';

/** `clients/python` against the whole product on loopback, with the real boto3. */

const folder = fileURLToPath(new URL('../../clients/python', import.meta.url));
const hasBoto3 = spawnSync('python3', ['-c', 'import boto3']).status === 0;
const REGION = 'us-east-1';

const run = promisify(execFile);
const python = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run('python3', args, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', PYTHONDONTWRITEBYTECODE: '1', ...env },
  });

/** Runs lines that print JSON. */
const printed = async (lines: readonly string[], env: Readonly<Record<string, string>>) => {
  const { stdout } = await python(['-c', ['import json, urllib.request, urllib.error', ...lines].join('\n')], env);
  return JSON.parse(stdout);
};

const aws = (endpoint: string) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: REGION,
  AWS_DEFAULT_REGION: REGION,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_SESSION_TOKEN: credentials.sessionToken,
});

const CALL = [
  'from token_refresher import TokenClient, TokenError',
  'def things(token):',
  '    request = urllib.request.Request(f"{token.base_url}/things", headers=dict(token.headers))',
  '    try:',
  '        return urllib.request.urlopen(request)',
  '    except urllib.error.HTTPError as error:',
  '        return error',
  'tokens = TokenClient()',
];

describe.skipIf(!hasBoto3)('the Python client', { timeout: 60_000 }, () => {
  it('passes its own tests', async () => {
    const { stderr } = await python(['-m', 'unittest', '-v']);
    expect(stderr).toMatch(/Ran 3\d tests[\s\S]*\nOK\n$/);
  });

  it('has the windows and pauses of the TypeScript client', async () => {
    const names = ['_ADVISORY', '_MANDATORY', '_PAUSE_SHARE', '_PAUSE_LIMITS', '_PAUSE_PART'];
    const print = `print(json.dumps([getattr(token_refresher, name) for name in ${JSON.stringify(names)}]))`;
    const { advisory, mandatory } = windows;
    const { share, least, most, part } = pauses;
    const range = (each: { least: number; most: number }) => [each.least, each.most];
    expect(await printed(['import token_refresher', print], {})).toEqual([
      ...[range(advisory), range(mandatory)],
      ...[share, range({ least, most }), range(part)],
    ]);
  });

  it('has the patience of the TypeScript client', async () => {
    const print = 'print(json.dumps([token_refresher._TABLE_PATIENCE, token_refresher._API_PATIENCE]))';
    const seconds = ({ short, long }: { short: number; long: number }) => ({ short: short / 1000, long: long / 1000 });
    expect(await printed(['import token_refresher', print], {})).toEqual([tablePatience, apiPatience].map(seconds));
  });

  it('uses a valid token of the table if the API has none with more life, as the TypeScript client does', async () => {
    const product = await startProduct();
    const nobody = createServer((_, response) => {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"code":"unknown_connection"}');
    });
    const url = `http://127.0.0.1:${await listening(nobody)}`;
    const env = { ...aws(product.endpoint), TOKENS_TABLE: TABLE, TOKENS_API_URL: url, TOKEN_REFRESHER_KEY: KEY };
    const { environment } = madeEnvironment();
    const table = tableSourceIn({ ...environment, now: Date.now }, { tableName: TABLE, client: product.dynamodb });
    const both = withFallback(table, apiSourceIn(environment, { url, key: KEY }), { now: Date.now });
    const inTypeScript = await both.get(CONNECTION, { minTtl: 80_000, patience: 'long' });
    const get = `print(json.dumps(tokens.get("${CONNECTION}", min_ttl=80_000).access_token))`;
    expect(await printed([...CALL, get], env)).toBe(inTypeScript.accessToken);
  });

  it('reads the table, and after a 401 has the API renew the token with a signed request', async () => {
    const product = await startProduct();
    const gateway = await startGateway({ api: product.api, region: REGION, allows: () => true });
    const env = { ...aws(product.endpoint), TOKENS_TABLE: TABLE, TOKENS_API_URL: gateway.url };
    const call = [...CALL, `status = tokens.call("${CONNECTION}", things).status`, 'print(json.dumps(status))'];
    expect(await printed(call, env)).toBe(200);
    expect(gateway.routes).toEqual([]);
    product.provider.revoke();
    expect(await printed(call, env)).toBe(200);
    expect(gateway.routes).toEqual([`POST /tokens/${CONNECTION}`]);
    expect(product.provider.logins).toHaveLength(2);
  });

  it('returns the 401 if the table alone has no newer token', async () => {
    const product = await startProduct();
    product.provider.revoke();
    const env = { ...aws(product.endpoint), TOKENS_TABLE: TABLE };
    const call = [...CALL, `print(tokens.call("${CONNECTION}", things).status)`];
    expect(await printed(call, env)).toBe(401);
    expect(product.provider.logins).toHaveLength(1);
  });

  it('reads from a laptop with its key', async () => {
    const product = await startProduct();
    const env = { TOKENS_API_URL: product.url, TOKEN_REFRESHER_KEY: KEY };
    const token = await printed([...CALL, `print(json.dumps(tokens.get("${CONNECTION}").__dict__))`], env);
    const item = await product.dynamodb.send(
      new GetItemCommand({
        TableName: TABLE,
        Key: { connection: { S: CONNECTION } },
      }),
    );
    expect(token).toMatchObject({ connection: CONNECTION, access_token: item.Item?.accessToken?.S });
    expect([token.issued_at, token.expires_at].map(String)).toEqual([item.Item?.issuedAt?.N, item.Item?.expiresAt?.N]);
  });

  it('has codes for a connection that is unknown, a policy that forbids, and a table that is away', async () => {
    const product = await startProduct();
    const gateway = await startGateway({ api: product.api, region: REGION, allows: () => false });
    const code = [
      'try:',
      `    tokens.get("officernd/nobody")`,
      'except TokenError as error:',
      '    print(json.dumps(error.code))',
    ];
    const table = { ...aws(product.endpoint), TOKENS_TABLE: TABLE };
    expect(await printed([...CALL, ...code], table)).toBe('unknown_connection');
    expect(await printed([...CALL, ...code], { ...table, TOKENS_TABLE: '', TOKENS_API_URL: gateway.url })).toBe(
      'forbidden',
    );
    expect(await printed([...CALL, ...code], { ...table, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' })).toBe(
      'source_unreachable',
    );
  });
});
