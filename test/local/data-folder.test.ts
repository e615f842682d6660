import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runLaptop, temporaryFolder } from '../kit/laptop-process.ts';
import { firstOf } from '../kit/thorough.ts';

const TIMEOUT = 60_000;
const once = (data: string) => runLaptop(['--once', '--data', data]);

const original = mkdtempSync(join(tmpdir(), 'token-refresher-'));
afterAll(() => rmSync(original, { recursive: true }));
let firstRun: ReturnType<typeof runLaptop> | undefined;

/** A copy of the data folder of a first run. */
const used = async (): Promise<string> => {
  firstRun ??= once(join(original, 'state'));
  expect((await firstRun).code).toBe(0);
  const data = join(temporaryFolder(), 'state');
  // With their permissions.
  execFileSync('cp', ['-a', join(original, 'state'), data]);
  return data;
};

describe('a data folder', { timeout: TIMEOUT }, () => {
  it('is for its user alone, with everything in it', async () => {
    const data = await used();
    const paths = ['', ...readdirSync(data, { recursive: true, encoding: 'utf8' })].map(name => join(data, name));
    expect(paths.length).toBeGreaterThan(5);
    for (const path of paths) expect([path, statSync(path).mode & 0o077]).toEqual([path, 0]);
  });

  it.each([
    ['the folder', '', 0o755],
    ['a file in it', 'secrets.json', 0o644],
  ])('is refused if %s is open to others', async (_, name, mode) => {
    const data = await used();
    chmodSync(join(data, name), mode);
    const { code, stderr } = await once(data);
    expect(code).toBe(2);
    expect(stderr).toContain(`is open to other users: run chmod -R go= ${data}`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    ['of its user alone', 0o600],
    ['that others may read', 0o644],
  ])('has to be one: a file %s is refused', async (_, mode) => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    chmodSync(file, mode);
    const { code, stderr } = await once(file);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `--data must be a folder: ${file} is something else.\n` });
  });

  it.each(firstOf(1, ['secrets.json', 'simulators.json', 'pid', 'dynamodb']))(
    'is refused if %s is a pipe',
    async name => {
      const data = temporaryFolder();
      execFileSync('mkfifo', ['-m', '600', join(data, name)]);
      const { code, stderr } = await once(data);
      expect(code).toBe(2);
      expect(stderr).toBe(`--data: ${join(data, name)} is neither a file nor a folder: give another folder.\n`);
    },
  );

  const damages: readonly [string, (data: string) => void][] = [
    ['its database', data => garble(join(data, 'dynamodb'))],
    ['secrets.json, cut off', data => cut(join(data, 'secrets.json'))],
    ['secrets.json, a folder', data => replaceByFolder(join(data, 'secrets.json'))],
    ['secrets.json', data => writeFileSync(join(data, 'secrets.json'), 'garbage', { mode: 0o600 })],
    ['simulators.json, cut off', data => cut(join(data, 'simulators.json'))],
    ['its database, a file', data => replaceByFile(join(data, 'dynamodb'))],
  ];
  it.each(firstOf(3, damages))(
    'is refused in a sentence, and left as it is, if it is damaged in %s',
    async (_, damage) => {
      const data = await used();
      damage(data);
      const before = snapshot(data);
      const { code, stdout, stderr } = await once(data);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(stderr).toMatch(/--data: .*(damaged|EISDIR|ENOTDIR)/);
      expect(snapshot(data)).toEqual(before);
    },
  );
});

const cut = (file: string): void => writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100), { mode: 0o600 });
const garble = (folder: string): void => {
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'garbage', { mode: 0o600 });
};
const replaceByFile = (path: string): void => {
  rmSync(path, { recursive: true });
  writeFileSync(path, 'x', { mode: 0o600 });
};
const replaceByFolder = (path: string): void => {
  rmSync(path);
  mkdirSync(path, { mode: 0o700 });
};

/** The files that hold what people stored; a database writes into its own log whenever it is opened. */
const snapshot = (data: string): readonly string[] =>
  ['secrets.json', 'simulators.json'].map(name =>
    statSync(join(data, name)).isFile() ? readFileSync(join(data, name), 'utf8') : '',
  );
