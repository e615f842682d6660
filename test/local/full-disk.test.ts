import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEmbeddedOnPort } from '../kit/embedded.ts';
import { type Ended, runLaptop, startLaptop, temporaryFolder } from '../kit/laptop-process.ts';
import { startProxy } from '../kit/proxy.ts';
import { isThorough, itThorough } from '../kit/thorough.ts';

const TIMEOUT = 120_000;
const FULL = 'file too large';

/** After the lines that say what happens. */
const sentencesOf = ({ stderr }: Pick<Ended, 'stderr'>) =>
  stderr.split('\n').filter(line => line !== '' && !/^\d\d:\d\d:\d\d /.test(line));

describe.runIf(process.platform === 'linux')('a disk without room', { timeout: TIMEOUT }, () => {
  it.each(isThorough ? [16, 300, 9_000, 20_000, 40_000] : [300, 20_000])(
    'ends --once with one sentence if files may have %i bytes',
    async fileSize => {
      const ended = await runLaptop(['--once', '--data', join(temporaryFolder(), 'state')], { fileSize });
      expect(sentencesOf(ended)).toEqual([expect.stringMatching(`^--data: .*${FULL}`)]);
      expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 2, stdout: '' });
    },
  );

  itThorough(
    'is one line in a running laptop, which serves valid tokens and continues when there is room',
    async () => {
      const data = join(temporaryFolder(), 'state');
      const laptop = startLaptop(['--port', '0', '--speed', '120', '--data', data], { fileSize: 70_000 });
      await laptop.logged(new RegExp(`the data folder takes no writes: ${FULL}`));
      await laptop.logged(/poweroffice-v1\/old-mill {2}refreshed/);
      for (const path of ['/tokens/petrosoft/station-7', '/connections']) {
        expect([path, (await laptop.get(path)).status]).toEqual([path, 200]);
      }
      // A token that has expired meanwhile cannot be renewed.
      await expect.poll(async () => (await laptop.get('/tokens/poweroffice-v1/old-mill')).status, soon).toBe(503);
      laptop.freeSize();
      // A connection whose run was interrupted waits for its lease to end; the others continue at once.
      await laptop.logged(/the data folder takes writes again\n.* {2}refreshed/);
      laptop.kill('SIGTERM');
      const ended = await laptop.ended;
      expect(ended.code).toBe(0);
      expect(sentencesOf(ended)).toEqual([]);
      expect(ended.stderr.match(/takes no writes/g)).toHaveLength(1);
      expect(ended.stderr).not.toContain('internal error');
      const next = startLaptop(['--port', '0', '--speed', '120', '--data', data]);
      expect((await next.get('/tokens/petrosoft/station-7')).status).toBe(200);
    },
  );
});

const soon = { timeout: 30_000, interval: 500 };

describe('a store that refuses', { timeout: TIMEOUT }, () => {
  /** An AWS whose DynamoDB works, and whose Secrets Manager refuses. */
  const withoutSecrets = async (): Promise<string> => {
    const embedded = await startEmbeddedOnPort();
    const proxy = await startProxy(embedded.endpoint, async ({ target, response, pass }) => {
      if (!target.startsWith('secretsmanager')) return pass();
      response.writeHead(400).end('{"__type":"AccessDeniedException","Message":"made-up-words"}');
    });
    onTestFinished(async () => {
      proxy.close();
      await embedded.close();
    });
    return proxy.endpoint;
  };

  it.each([['--once'], ['--port', '0']])('the first discovery ends %s with one sentence', async (...args) => {
    const ended = await runLaptop([...args, '--endpoint', await withoutSecrets()]);
    expect(sentencesOf(ended)).toEqual([
      'AWS cannot be used: AccessDeniedException. Check that it answers, and its permissions.',
    ]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).not.toContain('made-up-words');
  });

  it.skipIf(process.getuid?.() === 0)('a data folder without permission to write is one sentence', async () => {
    const data = temporaryFolder();
    chmodSync(data, 0o500);
    const ended = await runLaptop(['--once', '--data', data]);
    expect(sentencesOf(ended)).toEqual([`--data: ${data} cannot be used: permission denied.`]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
  });
});
