import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const start = join(root, 'local/start.ts');
const later = fileURLToPath(new URL('a-minute-later.ts', import.meta.url));

/** The AWS settings of a developer’s shell must not affect a test. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS_|npm_|NODE_OPTIONS)/.test(name)));

/** A separate folder for a test, deleted after it. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'token-refresher-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Writes secrets by `<provider>/<name>`; text unchanged, anything else as JSON. */
export const writeSecrets = (folder: string, secrets: Readonly<Record<string, unknown>>): void => {
  for (const [name, secret] of Object.entries(secrets)) {
    const file = join(folder, `${name}.json`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof secret === 'string' ? secret : JSON.stringify(secret));
  }
};

/** The members of the API's answers that tests read; the request decides which of them exist. */
export interface Answered {
  readonly connections: readonly ListedConnection[];
  readonly accessToken: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: string;
  readonly code: string;
}
export interface ListedConnection {
  readonly connection: string;
  readonly status: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly dueAt: string;
}

/** By connection: a difference shows which one is wrong. */
export const statusesOf = (listed: readonly ListedConnection[]): Readonly<Record<string, string>> =>
  Object.fromEntries(listed.map(({ connection, status }) => [connection, status]));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const LAPTOP_KEY = 'made-up-key-of-the-laptop';

export interface LaptopOptions {
  readonly aMinuteLater?: boolean;
  /** The working directory; without it, an empty folder. */
  readonly cwd?: string;
  /** The largest file in bytes (Linux): writes beyond it fail, as on a full disk. */
  readonly fileSize?: number;
}

/** `npm start -- …args` without npm, as a separate process that ends with the test. */
export const startLaptop = (args: readonly string[], options: LaptopOptions = {}) => {
  const nodeArgs = options.aMinuteLater ? ['--import', later] : [];
  // The command that sets the limit is replaced by the process itself.
  const limit = options.fileSize === undefined ? [] : ['prlimit', `--fsize=${options.fileSize}:`];
  const [command = '', ...rest] = [...limit, process.execPath, ...nodeArgs, start, ...args];
  const child = spawn(command, rest, {
    // A folder without definitions.
    cwd: options.cwd ?? temporaryFolder(),
    env: { ...environment(), TOKEN_REFRESHER_KEY: LAPTOP_KEY },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]): Ended => ({ code, stdout, stderr }));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  /** Resolves as soon as standard error matches; rejects if the process ends before. */
  const logged = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(stderr);
        if (found) resolve(found);
        return found;
      };
      if (look()) return;
      child.stderr.on('data', look);
      child.on('close', () => look() ?? reject(new Error(`it ended without saying ${pattern}:\n${stderr}`)));
    });
  const url = async () => (await logged(/HTTP API: (http:\S+)/))[1] ?? '';
  const get = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${LAPTOP_KEY}`, ...init.headers };
    const response = await fetch(`${await url()}${path}`, { ...init, headers });
    return { status: response.status, headers: response.headers, json: (await response.json()) as Answered };
  };
  const kill = (signal: NodeJS.Signals) => child.kill(signal);
  const freeSize = () => execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited:']);
  return { ended, logged, url, get, stderr: () => stderr, kill, freeSize };
};
export type LaptopProcess = ReturnType<typeof startLaptop>;

/** Runs it to its end. */
export const runLaptop = (args: readonly string[], options?: LaptopOptions): Promise<Ended> =>
  startLaptop(args, options).ended;
