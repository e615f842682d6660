import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startLaptop, statusesOf, temporaryFolder, writeSecrets } from '../kit/laptop-process.ts';
import { imported, oidcDefinition } from './definitions.ts';
import { CLIENT, SECRET, startOpenIdServer } from './server.ts';

/** The processes and stores of the product, and a third-party server. */

it('npm start discovers, redeems, rotates on demand and serves a connection of the server', {
  timeout: 60_000,
}, async () => {
  const server = await startOpenIdServer('client_secret_basic');
  const [providers, secrets] = [temporaryFolder(), temporaryFolder()];
  writeFileSync(join(providers, 'openid.json'), JSON.stringify({ ...oidcDefinition, ...imported }));
  const secret = { clientId: CLIENT, clientSecret: SECRET, refreshToken: await server.consent(), baseUrl: server.url };
  writeSecrets(secrets, { 'openid/acme': secret });
  const laptop = startLaptop(['--port', '0', '--providers', providers, '--secrets', secrets]);
  const statuses = async () => statusesOf((await laptop.get('/connections')).json.connections);
  await expect.poll(statuses, { timeout: 30_000 }).toEqual({ 'openid/acme': 'healthy' });

  const first = await laptop.get('/tokens/openid/acme');
  const body = JSON.stringify({ issuedAt: first.json.issuedAt });
  const second = await laptop.get('/tokens/openid/acme', { method: 'POST', body });
  expect([first.status, second.status]).toEqual([200, 200]);
  expect(second.json.accessToken).not.toBe(first.json.accessToken);
  expect(await server.takes(second.json.accessToken)).toBe(true);
  expect(server.revoked()).toBe(0);
});
