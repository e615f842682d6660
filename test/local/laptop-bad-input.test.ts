import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { usage } from '../../local/options.ts';
import { type Ended, runLaptop, startLaptop, temporaryFolder, writeSecrets } from '../kit/laptop-process.ts';
import { closedPort, listening } from '../kit/loopback.ts';

const TIMEOUT = 30_000;
const PLANTED = 'planted-credential-93ab';

/** Exit code 2, one sentence on standard error, nothing on standard output. */
const expectRefusal = ({ code, stdout, stderr }: Ended, about: RegExp) => {
  expect({ code, stdout, stderr }).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(about) });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).not.toMatch(/ {4}at |Error:|node:internal/);
  expect(stderr).not.toContain(PLANTED);
};

describe('bad input', { timeout: TIMEOUT }, () => {
  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['bad JSON', { 'petrosoft/acme': `{"password": "${PLANTED}"` }, /petrosoft\/acme\.json.*JSON/],
    ['nothing', {}, /holds no secrets/],
  ])('in --secrets: %s', async (_, secrets, about) => {
    const folder = temporaryFolder();
    writeSecrets(folder, secrets);
    expectRefusal(await runLaptop(['--secrets', folder, '--port', '0']), about);
  });

  it('an option that does not exist', async () => {
    expectRefusal(await runLaptop(['--bogus']), /'--bogus'/);
  });

  it('a --data folder that another one uses', async () => {
    const data = temporaryFolder();
    const first = startLaptop(['--port', '0', '--data', data]);
    await first.url();
    expectRefusal(await runLaptop(['--once', '--data', data]), /--data.* in use by process \d+/);
    expect((await first.get('/connections')).status).toBe(200);
  });

  it('a port that is taken leaves nothing behind', async () => {
    const port = await listening(createServer());
    const data = join(temporaryFolder(), 'data');
    expectRefusal(await runLaptop(['--port', String(port), '--data', data]), new RegExp(`Port ${port} is taken`));
    expect(existsSync(data) ? readdirSync(data) : []).toEqual([]);
  });

  it.each<[string, () => Promise<number>]>([
    ['at which nothing answers', closedPort],
    [
      'that is not an AWS',
      () => listening(createServer((_, response) => response.writeHead(404).end(`<i>${PLANTED}</i>`))),
    ],
  ])('an --endpoint %s', async (_, port) => {
    const endpoint = `http://127.0.0.1:${await port()}`;
    const { stderr, ...ended } = await runLaptop(['--once', '--endpoint', endpoint]);
    // After the lines that say what was going to be used.
    const problem = stderr.split('\n').filter(line => !/^\d\d:\d\d:\d\d /.test(line));
    expectRefusal({ ...ended, stderr: problem.join('\n') }, new RegExp(`--endpoint.*${endpoint}`));
  });
});

it('--help prints the options, and starts nothing', { timeout: TIMEOUT }, async () => {
  expect(await runLaptop(['--help'])).toEqual({ code: 0, stdout: `${usage}\n`, stderr: '' });
});

it('--once ends with 1 if a connection is not healthy, and names it', { timeout: TIMEOUT }, async () => {
  const refuses = createServer((_, response) => response.writeHead(401).end('{"error":"invalid_grant"}'));
  const baseUrl = `http://127.0.0.1:${await listening(refuses)}`;
  const folder = temporaryFolder();
  const secret = { login: 'made-up', password: PLANTED, baseUrl };
  writeSecrets(folder, { 'petrosoft/acme': secret });
  const { code, stdout, stderr } = await runLaptop(['--once', '--json', '--secrets', folder]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout).connections).toMatchObject([
    { connection: 'petrosoft/acme', status: 'attention', lastError: { code: 'invalid_grant', status: 401 } },
  ]);
  expect(stdout + stderr).not.toContain(PLANTED);
});
