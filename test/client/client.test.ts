import { createServer } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { apiSourceIn } from '../../lib/client/api-source.ts';
import { tokenClientIn } from '../../lib/client/client.ts';
import type { ClientEnvironment } from '../../lib/client/environment.ts';
import { tableSourceIn } from '../../lib/client/table-source.ts';
import type { TokenSource } from '../../lib/client/token.ts';
import { listening } from '../kit/loopback.ts';
import { startGateway } from './gateway.ts';
import { ACME, made, madeEnvironment, steppedSource } from './made.ts';
import { CONNECTION, credentials, KEY, startProduct, TABLE } from './product.ts';

const REGION = 'us-east-1';

/** A process whose clock begins at the token's first moment. */
const processAt = async (source: TokenSource): Promise<ReturnType<typeof madeEnvironment>> => {
  const process = madeEnvironment();
  const { issuedAt } = await source.get(CONNECTION, { minTtl: 0, patience: 'long' });
  process.state.now = issuedAt;
  return process;
};
const sourcesOf = ({ dynamodb, url }: { dynamodb: DynamoDBClient; url: string }, environment: ClientEnvironment) => ({
  table: tableSourceIn(environment, { tableName: TABLE, client: dynamodb }),
  api: apiSourceIn(environment, { url, key: KEY }),
});

/** A table source whose reads are counted. */
const counted = (source: TokenSource) => {
  const reads: string[] = [];
  const get: TokenSource['get'] = (connection, options) => {
    reads.push(connection);
    return source.get(connection, options);
  };
  return { reads, source: { ...source, get } };
};

describe('two consumers that are refused at once', () => {
  it('cause one call of the provider, and both succeed', async () => {
    const product = await startProduct();
    const { provider } = product;
    const { environment } = await processAt(sourcesOf(product, madeEnvironment().environment).api);
    const consumers = [1, 2].map(() => tokenClientIn(environment, { source: sourcesOf(product, environment).api }));
    for (const tokens of consumers) expect((await tokens.fetch(CONNECTION, '/things')).status).toBe(200);
    expect(provider.logins).toHaveLength(1);
    provider.revoke();
    provider.requests.length = 0;
    const answers = await Promise.all(consumers.map(tokens => tokens.fetch(CONNECTION, '/things')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(provider.logins).toHaveLength(2);
    expect(provider.requests).toHaveLength(4);
    expect(product.errors).toEqual([]);
  });

  it('with a table and an API: the one that comes later finds the newer token in the table', async () => {
    const product = await startProduct();
    const { table, api } = sourcesOf(product, madeEnvironment().environment);
    const { environment } = await processAt(api);
    const gateway = await startGateway({ api: product.api, region: REGION, allows: () => true });
    const signed = apiSourceIn(environment, { url: gateway.url, region: REGION, credentials });
    const [first, second] = [1, 2].map(() => tokenClientIn(environment, { source: table, fallback: signed }));
    for (const tokens of [first, second]) await tokens?.get(CONNECTION);
    product.provider.revoke();
    for (const tokens of [first, second]) expect((await tokens?.fetch(CONNECTION, '/things'))?.status).toBe(200);
    expect(gateway.routes).toEqual([`POST /tokens/${CONNECTION}`]);
    expect(product.provider.logins).toHaveLength(2);
  });

  it('with the table alone: the request is repeated as soon as a refresh has published a newer token', async () => {
    const product = await startProduct();
    const { table, api } = sourcesOf(product, madeEnvironment().environment);
    const { environment, pass } = await processAt(table);
    const tokens = tokenClientIn(environment, { source: table });
    await tokens.get(CONNECTION);
    product.provider.revoke();
    expect((await tokens.fetch(CONNECTION, '/things')).status).toBe(401);
    await api.renew(await table.get(CONNECTION, { minTtl: 0, patience: 'long' }));
    pass(30_000);
    expect((await tokens.fetch(CONNECTION, '/things')).status).toBe(200);
  });
});

describe('an outage', () => {
  it('of the table alone: the API answers', async () => {
    const product = await startProduct();
    const { environment } = madeEnvironment();
    const silent = createServer((_, response) => void response.writeHead(500).end());
    const endpoint = `http://127.0.0.1:${await listening(silent)}`;
    const dynamodb = new DynamoDBClient({ endpoint, region: REGION, credentials, maxAttempts: 1 });
    const { table, api } = sourcesOf({ ...product, dynamodb }, environment);
    expect(await tokenClientIn(environment, { source: table, fallback: api }).get(CONNECTION)).toMatchObject({
      connection: CONNECTION,
    });
    await expect(tokenClientIn(environment, { source: table }).get(CONNECTION)).rejects.toMatchObject({
      code: 'source_unreachable',
    });
  });

  it('of everything: the cached token is used until it expires', async () => {
    const product = await startProduct();
    const { environment, state } = await processAt(sourcesOf(product, madeEnvironment().environment).table);
    const { table, api } = sourcesOf(product, environment);
    const tokens = tokenClientIn(environment, { source: table, fallback: api });
    const token = await tokens.get(CONNECTION);
    await product.stopAws();
    for (const left of [1_199_000, 300_000, 100_000]) {
      state.now = token.expiresAt - left;
      expect(await tokens.get(CONNECTION)).toBe(token);
    }
    // Until now the API answered, without a table of its own.
    expect(product.errors).not.toEqual([]);
    await product.stopApi();
    state.now = token.expiresAt - 1;
    expect(await tokens.get(CONNECTION)).toBe(token);
    state.now = token.expiresAt;
    await expect(tokens.get(CONNECTION)).rejects.toMatchObject({ code: 'source_unreachable' });
  });
});

describe('refused by IAM', () => {
  const refusedTable = async () => {
    const server = createServer((_, response) => {
      const headers = { 'content-type': 'application/x-amz-json-1.0' };
      response.writeHead(400, headers).end('{"__type":"com.amazon.coral.service#AccessDeniedException"}');
    });
    const endpoint = `http://127.0.0.1:${await listening(server)}`;
    return new DynamoDBClient({ endpoint, region: REGION, credentials, maxAttempts: 1 });
  };

  it.each<[string, boolean, string]>([
    ['the table: the API is used', true, CONNECTION],
    ['both: the error says so', false, 'forbidden'],
  ])('at %s', async (_, allowed, expected) => {
    const product = await startProduct();
    const { environment } = madeEnvironment();
    const { table } = sourcesOf({ ...product, dynamodb: await refusedTable() }, environment);
    const gateway = await startGateway({ api: product.api, region: REGION, allows: () => allowed });
    const api = apiSourceIn(environment, { url: gateway.url, region: REGION, credentials });
    const tokens = tokenClientIn(environment, { source: table, fallback: api });
    const got = await tokens.get(CONNECTION).then(
      ({ connection }) => connection,
      ({ code }) => code,
    );
    expect(got).toBe(expected);
  });

  it('at the API’s POST: the 401 of the provider is returned', async () => {
    const product = await startProduct();
    const { environment } = await processAt(sourcesOf(product, madeEnvironment().environment).api);
    const allows = (route: string) => route.startsWith('GET ');
    const gateway = await startGateway({ api: product.api, region: REGION, allows });
    const source = apiSourceIn(environment, { url: gateway.url, region: REGION, credentials });
    const tokens = tokenClientIn(environment, { source });
    const token = await tokens.get(CONNECTION);
    product.provider.revoke();
    expect((await tokens.fetch(CONNECTION, '/things')).status).toBe(401);
    expect(gateway.routes).toEqual([`GET /tokens/${CONNECTION}`, `POST /tokens/${CONNECTION}`]);
    await expect(source.renew(token)).rejects.toMatchObject({ code: 'forbidden' });
  });
});

it('1,000 concurrent callers cause one read of the table', async () => {
  const product = await startProduct();
  const { table } = sourcesOf(product, madeEnvironment().environment);
  const { environment } = await processAt(table);
  const { reads, source } = counted(table);
  const tokens = tokenClientIn(environment, { source });
  const all = await Promise.all(Array.from({ length: 1000 }, () => tokens.get(CONNECTION)));
  expect(new Set(all).size).toBe(1);
  expect(reads).toEqual([CONNECTION]);
});

it('200 concurrent requests that are refused cause one call of the provider', async () => {
  const product = await startProduct();
  const { environment } = await processAt(sourcesOf(product, madeEnvironment().environment).api);
  const tokens = tokenClientIn(environment, { source: sourcesOf(product, environment).api });
  await tokens.get(CONNECTION);
  product.provider.revoke();
  const all = await Promise.all(Array.from({ length: 200 }, () => tokens.fetch(CONNECTION, '/things')));
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
  expect(product.provider.logins).toHaveLength(2);
});

describe('by default', () => {
  it('the sources are those in the environment', async () => {
    const product = await startProduct();
    const { environment } = await processAt(sourcesOf(product, madeEnvironment().environment).api);
    const gateway = await startGateway({ api: product.api, region: REGION, allows: () => true });
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const keys = {
      ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken },
      ...{ AWS_REGION: REGION, TOKENS_API_URL: gateway.url },
    };
    expect(await tokenClientIn({ ...environment, env: keys }).get(CONNECTION)).toMatchObject({
      connection: CONNECTION,
    });
    // The table has no such connection: the API is the fallback.
    const { table } = sourcesOf(product, environment);
    const both = tokenClientIn({ ...environment, env: keys }, { source: table });
    await expect(both.get('poweroffice-v2/nobody')).rejects.toMatchObject({ code: 'unknown_connection' });
    expect(() => tokenClientIn({ ...environment, env: {} })).toThrow('TOKENS_TABLE or TOKENS_API_URL');
  });

  it.each([-1, Number.NaN])('a minTtl of %d is refused', async minTtl => {
    const { environment } = madeEnvironment({ TOKENS_TABLE: TABLE });
    await expect(tokenClientIn(environment).get(CONNECTION, { minTtl })).rejects.toThrow(RangeError);
  });

  it('a token is valid for a minute', async () => {
    const { source, fetches } = steppedSource();
    const { environment, pass } = madeEnvironment();
    const tokens = tokenClientIn(environment, { source });
    const first = tokens.get(ACME);
    expect(fetches).toMatchObject([{ minTtl: 60 }]);
    fetches[0]?.answer(made(0, { expiresAt: environment.now() + 120_000 }));
    await first;
    pass(60_000);
    await tokens.get(ACME);
    expect(fetches).toHaveLength(1);
    pass(1);
    void tokens.get(ACME);
    expect(fetches).toHaveLength(2);
  });

  it.each(['acme', 'officernd/', 'officernd/a/b/c', '../connections', '', undefined])(
    '"%s" is not a connection',
    async name => {
      const { environment } = madeEnvironment({ TOKENS_TABLE: TABLE });
      await expect(tokenClientIn(environment).get(name as string)).rejects.toMatchObject({
        code: 'malformed_connection',
      });
    },
  );
});
