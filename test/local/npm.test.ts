import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { processOf } from '../../local/process.ts';

const npm = new URL('../../local/npm.ts', import.meta.url).href;
const script = `import { endWithNpm } from '${npm}'; endWithNpm(); console.log(process.pid); setInterval(() => {}, 1000);`;

/** What npm does: a node that has a shell run the script, and waits for it. */
const startAsNpm = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'npm-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'script.mjs');
  writeFileSync(file, script);
  const command = `"${process.execPath}" "${file}"; exit $?`;
  const parent = `require('node:child_process').spawn('sh', ['-c', ${JSON.stringify(command)}], { stdio: 'inherit' })`;
  const env = { ...process.env, npm_lifecycle_event: 'start' };
  const started = spawn(process.execPath, ['-e', parent], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    started.kill('SIGKILL');
  });
  const [line] = await once(started.stdout, 'data');
  return { npm: started, pid: Number(String(line)) };
};

test.skipIf(process.platform === 'win32')(
  'a script ends when the npm that runs it is killed',
  { timeout: 20_000 },
  async () => {
    const { npm: killed, pid } = await startAsNpm();
    expect(processOf(pid)).toBeDefined();
    killed.kill('SIGKILL');
    await expect.poll(() => processOf(pid), { timeout: 15_000 }).toBeUndefined();
  },
);

test('a process is recognised, and an unused number gives undefined', () => {
  expect(processOf(process.pid)).toMatchObject({ parent: process.ppid, started: expect.stringMatching(/./) });
  expect(processOf(2 ** 22 + 1)).toBeUndefined();
});
