import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { onTestFinished } from 'vitest';
import { epochMs } from '../../lib/core/types.ts';
import { openLaptop } from '../../local/laptop.ts';
import { simulatedAccount, simulatedSecrets } from '../../local/simulators/accounts.ts';
import { createSimulators } from '../../local/simulators/index.ts';
import { SECRET_PREFIX } from '../../local/sources.ts';
import { openPort } from '../../local/web.ts';
import { startEmbeddedOnPort } from '../kit/embedded.ts';
import { listening } from '../kit/loopback.ts';

export const KEY = 'invented-key-of-the-laptop';
export const TABLE = 'token-refresher-tokens';
export const CONNECTION = 'poweroffice-v2/acme';
export const credentials = { accessKeyId: 'INVENTED', secretAccessKey: 'invented', sessionToken: 'invented-session' };
const REGION = 'us-east-1';
const PROVIDER = 'poweroffice-v2';

/** A simulated provider on loopback that can revoke its tokens. */
const startProvider = async () => {
  const account = simulatedAccount(PROVIDER, 'acme');
  const logins: string[] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  const url = `http://127.0.0.1:${await listening(server)}`;
  // Time passes with each request: the provider's rate limit, 10 in a second, is never used up.
  const simulators = createSimulators(
    { now: () => epochMs(Date.now() + 110 * (logins.length + requests.length)), scale: 1, random: () => 0.5, url },
    [account],
  );
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '' } = request;
    (path.endsWith('/OAuth/Token') ? logins : requests).push(`${method} ${path}`);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const answer = simulators.handle({ method, path, headers, body: await text(request) });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  return {
    logins,
    requests,
    secrets: simulatedSecrets(url, [account]),
    /** Every token that the provider has issued is refused from now on. */
    revoke: () => {
      const state = simulators.state.get();
      const own = state[PROVIDER];
      if (own) simulators.state.restore({ ...state, [PROVIDER]: { ...own, tokens: [] } });
    },
  };
};

/** The AWS of the laptop. */
const startAws = async () => {
  const { endpoint, close } = await startEmbeddedOnPort();
  const overrides = { endpoint, region: REGION, credentials };
  return { name: 'embedded', overrides, onLoopback: true, refusal: () => undefined, close };
};

/** A function that runs once, however often it is called. */
const onlyOnce = (run: () => Promise<void>) => {
  let running: Promise<void> | undefined;
  return () => (running ??= run());
};

/** Stores the secrets before the first discovery. */
const storing = (secrets: Readonly<Record<string, unknown>>) => {
  let isStored = false;
  return async (client: SecretsManagerClient) => {
    if (isStored) return;
    isStored = true;
    for (const [name, value] of Object.entries(secrets)) {
      const secret = { Name: `${SECRET_PREFIX}${name}`, SecretString: JSON.stringify(value) };
      await client.send(new CreateSecretCommand(secret));
    }
  };
};

/** The whole product on loopback, with one connection that is refreshed: tables, functions, API and provider. */
export const startProduct = async () => {
  const provider = await startProvider();
  const aws = await startAws();
  const web = await openPort(0, KEY);
  const options = { once: false, json: false, speed: 1, port: 0, host: '127.0.0.1' };
  const source = { name: 'one secret', simulated: true, store: storing(provider.secrets), close: async () => {} };
  const errors: unknown[] = [];
  const none = () => {};
  const log = { refresh: none, unclaimed: none, retired: none, outOfTime: none, sweep: none, discovery: none };
  const laptop = await openLaptop(options, { source, aws, added: [] }, { ...log, error: each => errors.push(each) });
  web.serve(laptop.api);
  await laptop.tickAll();
  const dynamodb = new DynamoDBClient({ ...aws.overrides, maxAttempts: 1 });
  const stopAws = onlyOnce(aws.close);
  const stopApi = onlyOnce(web.close);
  onTestFinished(async () => {
    dynamodb.destroy();
    await stopApi();
    await laptop.close();
    await stopAws();
  });
  return {
    provider,
    dynamodb,
    endpoint: aws.overrides.endpoint,
    url: web.url,
    api: laptop.api,
    errors,
    stopAws,
    stopApi,
  };
};
