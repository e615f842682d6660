import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
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
  it.each<[string, (folder: string) => void, RegExp]>([
    [
      'bad JSON',
      folder => writeSecrets(folder, { 'petrosoft/acme': `{"password": "${PLANTED}"` }),
      /petrosoft\/acme\.json.*JSON/,
    ],
    ['an unknown provider', folder => writeSecrets(folder, { 'petrosft/acme': {} }), /"petrosft" is not a provider/],
    [
      'a missing field',
      folder => writeSecrets(folder, { 'petrosoft/acme': { password: PLANTED } }),
      /"login" is missing/,
    ],
    [
      'a file that cannot be read',
      folder => mkdirSync(join(folder, 'petrosoft', 'acme.json'), { recursive: true }),
      /acme\.json cannot be read/,
    ],
    ['nothing', () => {}, /holds no secrets/],
  ])('in --secrets: %s', async (_, prepare, about) => {
    const folder = temporaryFolder();
    prepare(folder);
    expectRefusal(await runLaptop(['--secrets', folder, '--port', '0']), about);
  });

  it.each<[readonly string[], RegExp]>([
    [['--bogus'], /'--bogus'/],
    [['--port', '70000'], /--port/],
    [['--secrets', '/nowhere/at/all'], /--secrets.*\/nowhere\/at\/all/],
    [['--endpoint', 'nonsense'], /--endpoint/],
  ])('%s', async (args, about) => {
    expectRefusal(await runLaptop(args), about);
  });

  it('a --data folder that is a file', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expectRefusal(await runLaptop(['--once', '--data', file]), /--data/);
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
    ['where nothing answers', closedPort],
    [
      'that is no AWS',
      () => listening(createServer((_, response) => response.writeHead(404).end(`<i>${PLANTED}</i>`))),
    ],
  ])('an --endpoint %s', async (_, port) => {
    const endpoint = `http://127.0.0.1:${await port()}`;
    const { stderr, ...ended } = await runLaptop(['--once', '--endpoint', endpoint]);
    // After the lines that say what was going to be used.
    const said = stderr.split('\n').filter(line => !/^\d\d:\d\d:\d\d /.test(line));
    expectRefusal({ ...ended, stderr: said.join('\n') }, new RegExp(`--endpoint.*${endpoint}`));
  });
});

it('--help says what there is, and starts nothing', { timeout: TIMEOUT }, async () => {
  const { code, stdout, stderr } = await runLaptop(['--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const option of [
    '--once',
    '--json',
    '--secrets',
    '--providers',
    '--endpoint',
    '--speed',
    '--port',
    '--data',
    '--help',
  ]) {
    expect(stdout).toContain(option);
  }
});

it('--once ends with 1 if a connection is not healthy, and names it', { timeout: TIMEOUT }, async () => {
  const provider = createServer((_, response) => response.writeHead(401).end('{"error":"invalid_grant"}'));
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  onTestFinished(() => void provider.close());
  const address = provider.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const folder = temporaryFolder();
  const secret = { login: 'made-up', password: PLANTED, baseUrl: `http://127.0.0.1:${address.port}` };
  writeSecrets(folder, { 'petrosoft/acme': secret });
  const { code, stdout, stderr } = await runLaptop(['--once', '--json', '--secrets', folder]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout).connections).toMatchObject([
    { connection: 'petrosoft/acme', status: 'attention', lastError: { code: 'invalid_grant', status: 401 } },
  ]);
  expect(stdout + stderr).not.toContain(PLANTED);
});
