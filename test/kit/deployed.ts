import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { Context } from 'aws-lambda';
import { onTestFinished, vi } from 'vitest';
import { createTables } from '../../lib/aws/tables.ts';
import { findProvider } from '../../lib/providers/index.ts';
import { localClients } from './aws.ts';
import { startEmbeddedOnPort } from './embedded.ts';
import { listening } from './loopback.ts';

/** A deployment only calls public addresses; this redirects one to a server of the test. */
const reroute: (origin: string, target: string) => () => void = createRequire(import.meta.url)('./reroute.cjs');

const tables = { tokens: 'DeployedTokens', connections: 'DeployedConnections' };

const context = {
  awsRequestId: 'made-up-request',
  functionName: 'made-up-function',
  functionVersion: '1',
  memoryLimitInMB: '256',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:made-up-function',
  getRemainingTimeInMillis: () => 300_000,
} as Context;

type Handler = (event: unknown, context: Context) => unknown;

/** Everything that is written to standard output and standard error. */
export const capturedOutput = (): (() => string) => {
  const written: string[] = [];
  const take = (chunk: unknown) => {
    written.push(typeof chunk === 'string' ? chunk : String(chunk));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(take);
  vi.spyOn(process.stderr, 'write').mockImplementation(take);
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void take(args.map(String).join(' ')));
  }
  return () => written.join('\n');
};

/** A provider on loopback; `answer` maps a request’s body to the answer. */
export const startProvider = async (answer: (body: string) => readonly [status: number, body: string]) => {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString('utf8');
    const [status, text] = answer(body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  });
  const name = 'https://provider.example';
  onTestFinished(reroute(name, `http://127.0.0.1:${await listening(server)}`));
  return name;
};

/** The deployed functions: their modules, their environment, real SDK clients, an embedded AWS. */
export const deployed = async (provider: string) => {
  const embedded = await startEmbeddedOnPort();
  const clients = localClients({ endpoint: embedded.endpoint });
  await createTables(clients.dynamodb, tables);
  onTestFinished(async () => {
    clients.dynamodb.destroy();
    clients.secretsManager.destroy();
    await embedded.close();
    vi.doUnmock('#definition');
  });
  const variables = {
    AWS_ENDPOINT_URL: embedded.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'made-up',
    AWS_SECRET_ACCESS_KEY: 'planted-aws-secret',
    AWS_LAMBDA_FUNCTION_NAME: 'made-up-function',
    TOKENS_TABLE: tables.tokens,
    CONNECTIONS_TABLE: tables.connections,
    PROVIDER: provider,
    DEPLOYMENT: 'token-refresher',
    CONNECTIONS_PER_SECRET: '200',
    PACE: JSON.stringify({ refreshAt: 0.5, tick: 60_000 }),
    PACES: JSON.stringify({ [provider]: { refreshAt: 0.5, tick: 60_000, lifetime: 3_600_000 } }),
    ALARM_TOPIC: 'arn:aws:sns:eu-west-1:123456789012:made-up-topic',
    RUNBOOK: 'https://example.com/runbook.md',
    REFRESHERS: JSON.stringify({ [provider]: { functionName: 'made-up-function', refreshAt: 0.5, tick: 60_000 } }),
    EVENT_BUS: 'made-up-bus',
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  vi.resetModules();
  vi.doMock('#definition', () => ({ definition: findProvider(provider)?.definition }));
  const modules = {
    refresh: await import('../../functions/refresh/index.ts'),
    watch: await import('../../functions/watch/index.ts'),
    api: await import('../../functions/api/index.ts'),
  };
  const call = async (name: keyof typeof modules, event: unknown) => (modules[name].handler as Handler)(event, context);
  return {
    secrets: clients.secretsManager,
    tick: () => call('refresh', { shards: [0, 1, 2, 3, 4, 5, 6, 7] }),
    discover: () => call('watch', {}),
    refresh: (event: unknown) => call('refresh', event),
    get: (rawPath: string, query: Record<string, string> = {}) =>
      call('api', { rawPath, queryStringParameters: query, requestContext: { http: { method: 'GET' } } }) as Promise<{
        readonly statusCode: number;
        readonly body: string;
      }>,
  };
};
