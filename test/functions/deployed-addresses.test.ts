import { createServer } from 'node:http';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it, vi } from 'vitest';
import { capturedOutput, deployed, startProvider } from '../kit/deployed.ts';
import { listening } from '../kit/loopback.ts';

const TIMEOUT = 30_000;

/** What a tick makes of secrets with these base URLs: each one's status, and the error that a person is to read. */
const ticked = async (baseUrls: Readonly<Record<string, string>>) => {
  capturedOutput();
  const functions = await deployed('petrosoft');
  for (const [login, baseUrl] of Object.entries(baseUrls)) {
    const SecretString = JSON.stringify({ login, password: 'made-up', baseUrl });
    await functions.secrets.send(new CreateSecretCommand({ Name: `token-refresher/petrosoft/${login}`, SecretString }));
  }
  await functions.discover();
  await functions.tick();
  const { body } = await functions.get('/connections');
  const { connections } = JSON.parse(body) as {
    connections: { connection: string; status: string; lastError: { code: string; fields?: string[] } | null }[];
  };
  return connections
    .map(({ connection, status, lastError }) => [connection.split('/')[1], status, lastError?.code, lastError?.fields])
    .toSorted();
};
const provider = () => startProvider(() => [200, '{"access_token":"made-up","expires_in":86400}']);

it('refresh sends nothing to addresses that are not public', { timeout: TIMEOUT }, async () => {
  const connected: unknown[] = [];
  const port = await listening(createServer().on('connection', socket => connected.push(socket.remotePort)));
  const refused = (name: string) => [name, 'attention', 'address_refused', undefined];
  expect(
    await ticked({
      acme: await provider(),
      ip: `https://127.0.0.1:${port}`,
      metadata: 'https://169.254.169.254',
      name: `https://localhost:${port}`,
      plain: `http://127.0.0.1:${port}`,
    }),
  ).toEqual([
    ['acme', 'healthy', undefined, undefined],
    refused('ip'),
    refused('metadata'),
    refused('name'),
    ['plain', 'attention', 'secret_invalid', ['baseUrl']],
  ]);
  expect(connected).toEqual([]);
});

it('refresh takes base URLs at the hosts of its environment alone, if that says so', { timeout: TIMEOUT }, async () => {
  const baseUrl = await provider();
  vi.stubEnv('HOSTS', new URL(baseUrl).host);
  vi.stubEnv('OWN_BASE_URL', 'false');
  expect(await ticked({ acme: baseUrl, evil: 'https://foreign.example.com' })).toEqual([
    ['acme', 'healthy', undefined, undefined],
    ['evil', 'attention', 'secret_invalid', ['baseUrl']],
  ]);
});
