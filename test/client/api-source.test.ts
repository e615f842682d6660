import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { apiSourceIn } from '../../lib/client/api-source.ts';
import { defaultCredentials, regionIn } from '../../lib/client/sign.ts';
import { tableSourceIn } from '../../lib/client/table-source.ts';
import type { TokenSource } from '../../lib/client/token.ts';
import { closedPort, listening } from '../kit/loopback.ts';
import { startGateway } from './gateway.ts';
import { ACME, made, madeEnvironment } from './made.ts';
import { CONNECTION, credentials, KEY, startProduct, TABLE } from './product.ts';

const long = { minTtl: 60, patience: 'long' } as const;
const iso = (moment: number) => new Date(moment).toISOString();

/** An API that gives every request this answer. */
const answering = async (status: number, body: unknown, headers: Record<string, string> = {}) => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  const url = `http://127.0.0.1:${await listening(server)}`;
  return { url, requests, source: apiSourceIn(madeEnvironment().environment, { url, key: KEY }) };
};

describe('the API', () => {
  it('of a laptop is called with its key', async () => {
    const { url, dynamodb } = await startProduct();
    const token = await apiSourceIn(madeEnvironment().environment, { url, key: KEY }).get(CONNECTION, long);
    expect(token).toMatchObject({ connection: CONNECTION, headers: { Authorization: `Bearer ${token.accessToken}` } });
    const table = tableSourceIn(madeEnvironment().environment, { tableName: TABLE, client: dynamodb });
    expect(await table.get(CONNECTION, long)).toEqual(token);
  });

  it('on AWS is called with a signature that the SDK’s own signer confirms, for a read and for a renewal', async () => {
    const { api } = await startProduct();
    const gateway = await startGateway({ api, region: 'eu-north-1', allows: () => true });
    const source = apiSourceIn(madeEnvironment().environment, { url: gateway.url, region: 'eu-north-1', credentials });
    const token = await source.get(CONNECTION, long);
    const newer = await source.renew(token);
    expect(newer?.issuedAt).toBeGreaterThan(token.issuedAt);
    expect(gateway.routes).toEqual([`GET /tokens/${CONNECTION}`, `POST /tokens/${CONNECTION}`]);
    const wrong = { ...credentials, secretAccessKey: 'another' };
    const refused = apiSourceIn(madeEnvironment().environment, {
      url: gateway.url,
      region: 'eu-north-1',
      credentials: wrong,
    });
    await expect(refused.get(CONNECTION, long)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('takes credentials, address, Region and key from the environment by default', async () => {
    const { api, url } = await startProduct();
    const gateway = await startGateway({ api, region: 'eu-west-1', allows: () => true });
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const keys = {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    };
    const signing = madeEnvironment({ ...keys, AWS_REGION: 'eu-west-1', TOKENS_API_URL: gateway.url });
    expect(await apiSourceIn(signing.environment).get(CONNECTION, long)).toMatchObject({ connection: CONNECTION });
    const local = madeEnvironment({ TOKENS_API_URL: url, TOKEN_REFRESHER_KEY: KEY });
    expect(await apiSourceIn(local.environment).get(CONNECTION, long)).toMatchObject({ connection: CONNECTION });
  });

  it('asks the credentials’ provider before each request', async () => {
    const { api } = await startProduct();
    const gateway = await startGateway({ api, region: 'eu-west-1', allows: () => true });
    const given = [credentials, { ...credentials, secretAccessKey: 'expired' }];
    const rotating = async () => given.shift() ?? credentials;
    const source = apiSourceIn(madeEnvironment().environment, {
      url: gateway.url,
      region: 'eu-west-1',
      credentials: rotating,
    });
    await source.get(CONNECTION, long);
    await expect(source.get(CONNECTION, long)).rejects.toMatchObject({ code: 'forbidden' });
    await source.get(CONNECTION, long);
  });

  it('is asked for a token that is valid for long enough, in whole seconds that it accepts', async () => {
    const token = { ...made(0), issuedAt: iso(made(0).issuedAt), expiresAt: iso(made(0).expiresAt) };
    const { source, requests } = await answering(200, token);
    await source.get(ACME, { ...long, minTtl: 0.5 });
    await source.get(ACME, { ...long, minTtl: 1_000_000 });
    expect(requests).toEqual([
      `GET /tokens/${ACME}?minTtl=1 Bearer ${KEY}`,
      `GET /tokens/${ACME}?minTtl=86400 Bearer ${KEY}`,
    ]);
  });

  it('is not asked again for a newer token than a refused one within its limits', async () => {
    const { url } = await startProduct();
    const source = apiSourceIn(madeEnvironment().environment, { url, key: KEY });
    const newer = await source.renew(await source.get(CONNECTION, long));
    expect(newer && (await source.renew(newer))).toBeUndefined();
  });
});

describe('an error', () => {
  it.each<[string, number, unknown, object]>([
    ['no such connection', 404, { code: 'unknown_connection' }, { code: 'unknown_connection' }],
    ['no refresh yet', 503, { code: 'no_valid_token', reason: 'not_refreshed_yet' }, { code: 'not_yet' }],
    ['a crowd', 503, { code: 'refresh_in_progress' }, { code: 'not_yet', retryAfter: 7 }],
    [
      'failed refreshes',
      503,
      { code: 'no_valid_token', reason: 'timeout' },
      { code: 'no_valid_token', reason: 'timeout' },
    ],
    [
      'a failed renewal',
      503,
      { code: 'refresh_failed', reason: 'made_up' },
      { code: 'no_valid_token', reason: undefined },
    ],
    ['no permission', 403, { message: 'Forbidden' }, { code: 'forbidden' }],
    ['a wrong key', 401, { status: 401 }, { code: 'forbidden' }],
    ['too many requests', 429, { message: 'Too Many Requests' }, { code: 'source_unreachable' }],
    ['a fault', 500, { code: 'internal_error' }, { code: 'source_unreachable' }],
    ['another address', 404, { code: 'not_found' }, { code: 'source_unreachable' }],
    ['a redirect', 302, '', { code: 'source_unreachable' }],
    ['an answer in another form', 200, '{"accessToken":"planted-secret"', { code: 'source_unreachable' }],
    [
      'a token of another connection',
      200,
      { ...made(0, { connection: 'poweroffice-v2/other' }), issuedAt: iso(0), expiresAt: iso(1) },
      { code: 'source_unreachable' },
    ],
    ['a code with the name of a method', 500, { code: 'constructor' }, { code: 'source_unreachable' }],
    ['a token without its fields', 200, { accessToken: 'planted-secret' }, { code: 'source_unreachable' }],
  ])('says that there is %s', async (_, status, body, expected) => {
    const { source } = await answering(status, body, { 'retry-after': '7', location: 'http://127.0.0.1:9/' });
    const error = await source.get(ACME, long).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'TokenError', connection: ACME, ...expected });
    expect(String(error)).not.toContain('planted-secret');
  });

  it('comes from a redirect, which is not followed', async () => {
    const other = await answering(200, { ...made(0), issuedAt: iso(0), expiresAt: iso(1) });
    const { source } = await answering(307, '', { location: other.url });
    await expect(source.get(ACME, long)).rejects.toMatchObject({ code: 'source_unreachable' });
    expect(other.requests).toEqual([]);
  });

  it('of a connection that no secret names comes from the product’s own API', async () => {
    const { url } = await startProduct();
    const source = apiSourceIn(madeEnvironment().environment, { url, key: KEY });
    await expect(source.get('poweroffice-v2/nobody', long)).rejects.toMatchObject({ code: 'unknown_connection' });
    const wrong = apiSourceIn(madeEnvironment().environment, { url, key: 'another-key-of-a-laptop' });
    await expect(wrong.get(CONNECTION, long)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('says that nothing listens there', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    await expect(apiSourceIn(madeEnvironment().environment, { url, key: KEY }).get(ACME, long)).rejects.toMatchObject({
      ...{ code: 'source_unreachable', message: expect.stringContaining('ECONNREFUSED') },
    });
  });

  it('comes as soon as the API takes too long', async () => {
    const { environment, deadlines, expire } = madeEnvironment();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const url = `http://127.0.0.1:${await listening(createServer(() => arrive()))}`;
    const reading = apiSourceIn(environment, { url, key: KEY }).get(ACME, { ...long, patience: 'short' });
    await arrived;
    expire();
    const message = expect.stringContaining('did not answer (TimeoutError)');
    await expect(reading).rejects.toMatchObject({
      code: 'source_unreachable',
      message,
      cause: { name: 'TimeoutError' },
    });
    expect(deadlines.map(({ patience }) => patience)).toEqual([6000]);
  });

  it.each<[string, (source: TokenSource) => Promise<unknown>, number]>([
    ['a read', source => source.get(ACME, { ...long, patience: 'short' }), 6000],
    ['a renewal', source => source.renew(made(0)), 30_000],
  ])('comes as soon as the provider of credentials takes too long: %s', async (_, call, patience) => {
    const { environment, deadlines, expire } = madeEnvironment();
    const credentials = () => new Promise<never>(() => undefined);
    const calling = call(apiSourceIn(environment, { url: 'http://127.0.0.1:9', region: 'eu-west-1', credentials }));
    expire();
    await expect(calling).rejects.toMatchObject({ code: 'forbidden', cause: { name: 'TimeoutError' } });
    expect(deadlines.map(each => each.patience)).toEqual([patience]);
  });

  it('says that there are no credentials', async () => {
    const fails = async () => Promise.reject(new Error('planted words'));
    const url = `http://127.0.0.1:${await closedPort()}`;
    const source = apiSourceIn(madeEnvironment().environment, { url, region: 'eu-west-1', credentials: fails });
    await expect(source.get(ACME, long)).rejects.toMatchObject({
      ...{ code: 'forbidden', message: expect.not.stringContaining('planted words') },
    });
  });
});

describe('credentials', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'of the environment', AWS_SECRET_ACCESS_KEY: 'invented' };
  const profiled = () => {
    const folder = mkdtempSync(join(tmpdir(), 'profiles-'));
    const file = join(folder, 'credentials');
    writeFileSync(file, '[integrations]\naws_access_key_id = of the profile\naws_secret_access_key = invented\n');
    for (const [name, value] of Object.entries({
      ...{ AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(folder, 'none') },
      ...{ AWS_PROFILE: 'integrations', AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    }))
      vi.stubEnv(name, value);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });
  };

  it('are those in the environment', async () => {
    expect(await defaultCredentials({ env: keys })()).toMatchObject({ accessKeyId: 'of the environment' });
  });

  it('are those of the SDK’s chain if the environment names a profile, or has no keys', async () => {
    profiled();
    for (const env of [{ ...keys, AWS_PROFILE: 'integrations' }, {}]) {
      expect(await defaultCredentials({ env })()).toMatchObject({ accessKeyId: 'of the profile' });
    }
  });
});

describe('a setting', () => {
  it.each([
    ...[undefined, 'api.example.com', 'http://api.example.com', 'ftp://127.0.0.1', 'http://10.0.0.1:8787'],
    ...['http://docker.internal:8787', 'http://host.docker.internal.example:8787', 'ftp://host.docker.internal'],
  ])('url: %s is refused', url => {
    const options = { key: KEY, ...(url !== undefined && { url }) };
    expect(() => apiSourceIn(madeEnvironment().environment, options)).toThrow('"url" must be the https:');
  });

  it.each(['host.docker.internal', 'host.containers.internal'])(
    'url: a container reaches its laptop at http://%s, with the key of the environment',
    host => {
      const url = `http://${host}:8787`;
      expect(() => apiSourceIn(madeEnvironment({ TOKEN_REFRESHER_KEY: KEY }).environment, { url })).not.toThrow();
      expect(() => apiSourceIn(madeEnvironment({ TOKEN_REFRESHER_KEY: '' }).environment, { url, credentials })).toThrow(
        new TypeError(`"key" or TOKEN_REFRESHER_KEY must be the key of the laptop at ${host}.`),
      );
    },
  );

  it('key: one that does not fit into a header is refused without being shown', () => {
    const open = () => apiSourceIn(madeEnvironment().environment, { url: 'http://127.0.0.1:9', key: 'invented\nkey' });
    expect(open).toThrow(new TypeError('"key" must have no spaces or line ends.'));
  });

  it.each<[string, Error]>([
    ['an error', new TypeError('invented-secret')],
    ['an error with a code', Object.assign(new TypeError('invented-secret'), { code: 'ERR_INVENTED' })],
    ['an error of an SDK', Object.assign(new TypeError('invented-secret'), { $fault: 'client' })],
  ])('credentials: what their provider throws is not repeated: %s', async (_, thrown) => {
    const failing = () => Promise.reject(thrown);
    const source = apiSourceIn(madeEnvironment({ AWS_REGION: 'eu-west-1' }).environment, {
      url: 'http://127.0.0.1:9',
      credentials: failing,
    });
    const error = await source.get(ACME, long).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'forbidden', cause: { name: 'TypeError' } });
    expect(inspect(error)).not.toContain('invented-secret');
  });

  it('key: that of the environment is for this machine alone', async () => {
    const { environment } = madeEnvironment({ TOKEN_REFRESHER_KEY: KEY });
    const source = apiSourceIn(environment, { url: 'https://tokens.example.com', credentials });
    // It wants to sign.
    await expect(source.get(ACME, long)).rejects.toThrow('"region" must be a Region');
  });

  it('without a Region is refused, unless the address has one', async () => {
    const source = apiSourceIn(madeEnvironment().environment, { url: 'http://127.0.0.1:9', credentials });
    await expect(source.get(ACME, long)).rejects.toThrow('"region" must be a Region');
    expect(regionIn(new URL('https://a1b2c3.execute-api.eu-north-1.amazonaws.com'))).toBe('eu-north-1');
    expect(regionIn(new URL('https://a1b2c3.execute-api.cn-north-1.amazonaws.com.cn'))).toBe('cn-north-1');
    expect(regionIn(new URL('https://tokens.example.com'))).toBeUndefined();
  });
});
