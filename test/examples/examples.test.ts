import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { LAPTOP_KEY, startLaptop } from '../kit/laptop-process.ts';

/** The examples run against `npm start`. The Lambda is part of the deployed cycle: see test/deployed. */

const pathOf = (file: string) => fileURLToPath(new URL(`../../examples/${file}`, import.meta.url));
const run = promisify(execFile);
/** Docker gives a container the name of its machine; here a module does. */
const HOST_OF_CONTAINERS = new URL('container-host.mjs', import.meta.url).href;
const CONNECTION = 'powerepos/corner-cafe';

/** A laptop whose connections have been refreshed, and the environment of a consumer. */
const laptop = async (...args: readonly string[]) => {
  const started = startLaptop(['--port', '0', ...args]);
  await started.logged(/powerepos\/corner-cafe {2}refreshed/);
  const url = new URL(await started.url());
  return {
    PATH: process.env.PATH ?? '',
    TOKENS_API_URL: `http://127.0.0.1:${url.port}`,
    TOKEN_REFRESHER_KEY: LAPTOP_KEY,
    PYTHONDONTWRITEBYTECODE: '1',
  };
};

it('Express: an app answers with what the business system answers', { timeout: 60_000 }, async () => {
  const env = { ...(await laptop()), PORT: '0' };
  const app = spawn(process.execPath, ['--conditions=token-refresher-source', pathOf('express/app.ts')], { env });
  onTestFinished(() => void app.kill());
  const [printed] = await once(app.stdout.setEncoding('utf8'), 'data');
  const url = String(printed).trim();
  const answer = await fetch(`${url}/${CONNECTION}/things`);
  expect([answer.status, await answer.json()]).toMatchObject([200, expect.anything()]);
  const unknown = await fetch(`${url}/powerepos/nobody/things`);
  expect([unknown.status, await unknown.json()]).toEqual([404, { code: 'unknown_connection' }]);
  const malformed = await fetch(`${url}/Powerepos/nobody/things`);
  expect([malformed.status, await malformed.json()]).toEqual([400, { code: 'malformed_connection' }]);
});

it('a container: it reads a token from a laptop that is open to others', { timeout: 60_000 }, async () => {
  // The address counts as one of the network, and is on loopback.
  const { TOKENS_API_URL, ...env } = await laptop('--host', '::ffff:127.0.0.1');
  const url = TOKENS_API_URL.replace('127.0.0.1', 'host.docker.internal');
  const { stdout } = await run(
    process.execPath,
    ['--conditions=token-refresher-source', '--import', HOST_OF_CONTAINERS, pathOf('container/read.mjs'), CONNECTION],
    { env: { ...env, TOKENS_API_URL: url } },
  );
  expect(stdout).toMatch(/^powerepos\/corner-cafe is valid until \d{4}-.*Z\n$/);
});

const hasBoto3 = spawnSync('python3', ['-c', 'import boto3']).status === 0;
it.skipIf(!hasBoto3)('Python: a script prints what the business system answers', { timeout: 60_000 }, async () => {
  const { stdout } = await run('python3', [pathOf('python/things.py'), CONNECTION], { env: await laptop() });
  expect(stdout).toMatch(/^200 \{/);
});
