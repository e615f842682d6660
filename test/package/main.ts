import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brokenIn, linksIn, markdownIn, proseIn } from '../kit/links.ts';
import { consumerFiles, sdkVersions } from './consumers.ts';
import { type Project, projects } from './projects.ts';

/**
 * Packs this package, installs it into fresh projects of each kind, and runs them. Their peers are linked from here
 * instead of being downloaded once more.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'package-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const run = (cwd: string, command: readonly string[]): string => {
  const [file = '', ...args] = command;
  const PATH = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  return execFileSync(file, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
};

/** The Node of this project, and that of the machine if it is another one. */
const nodes = (): readonly string[] => {
  const paths = (process.env.PATH ?? '').split(delimiter).filter(path => !path.includes('node_modules'));
  const found = paths
    .map(path => join(path, 'node'))
    .find(path => {
      try {
        return run(folder, [path, '--version']) !== '';
      } catch {
        return false;
      }
    });
  return [...new Set([process.execPath, ...(found === undefined ? [] : [found])])];
};

/** What an app with the construct has, without an AWS SDK, and the types of Node. */
const PEERS = ['aws-cdk-lib', '@aws-cdk', 'constructs', '@types', 'undici-types'];

const QUIETLY = ['--omit=peer', '--omit=optional', '--no-audit', '--no-fund', '--no-save', '--silent'];

const packed = (): string => {
  run(root, ['npm', 'pack', '--silent', '--pack-destination', folder]);
  const file = join(folder, readdirSync(folder).find(name => name.endsWith('.tgz')) ?? '');
  run(root, ['publint', '--strict', file]);
  run(root, ['attw', file]);
  return file;
};

const install = (file: string, { kind, files }: Project): string => {
  const project = join(folder, kind);
  mkdirSync(project);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
  run(project, ['npm', 'install', ...QUIETLY, file]);
  const modules = join(project, 'node_modules');
  const installed = readdirSync(modules).filter(name => !name.startsWith('.'));
  if (installed.join() !== 'token-refresher')
    throw new Error(`The package brings others along: ${installed.join(', ')}.`);
  for (const name of PEERS) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  return project;
};

/** The hashes of the functions' code in a synthesized app. */
const hashesIn = (project: string): string =>
  readdirSync(join(project, 'cdk.out'))
    .filter(name => name.startsWith('asset.'))
    .sort()
    .join('\n');

/** The same sources in another folder. */
const builtElsewhere = (): string => {
  const copy = join(folder, 'elsewhere', 'copy');
  for (const part of ['functions', 'lib', 'tools', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  run(copy, ['node', 'tools/package/build-functions.ts']);
  return join(copy, 'dist', 'functions');
};

/** The size of everything in a folder, in bytes. */
const sizeOf = (where: string): number =>
  readdirSync(where, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

/** Throws if a link of a packed page leads to what is not packed. */
const checkLinks = (file: string): void => {
  run(folder, ['tar', '-xzf', file]);
  const unpacked = join(folder, 'package');
  const pages = markdownIn(unpacked).map(page => [page, proseIn(readFileSync(join(unpacked, page), 'utf8'))] as const);
  const links = pages.flatMap(([page, prose]) => linksIn(prose).map(target => [page, target] as const));
  const broken = links.flatMap(([page, target]) => brokenIn(unpacked, page, target) ?? []);
  if (broken.length > 0) throw new Error(`Links lead out of the package:\n${broken.join('\n')}`);
  console.log(`${links.length} links of ${pages.length} pages: passed`);
};

/** Reads a token with an AWS SDK of this version, under each Node, and checks the types. */
const consume = (file: string, sdk: string): void => {
  const where = join(folder, `sdk-${sdk}`);
  mkdirSync(where);
  for (const [name, text] of Object.entries(consumerFiles)) writeFileSync(join(where, name), text);
  run(where, ['npm', 'install', ...QUIETLY, file, `@aws-sdk/client-dynamodb@${sdk}`]);
  for (const node of nodes()) for (const app of ['app.mjs', 'app.cjs']) run(where, [node, app]);
  for (const name of ['@types', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(where, 'node_modules', name));
  }
  run(where, ['tsc', '-p', '.']);
  const megabytes = sizeOf(join(where, 'node_modules/token-refresher')) / 1_000_000;
  if (megabytes >= 2) throw new Error(`The package takes ${megabytes} MB, and has to take less than 2.`);
  console.log(`a consumer with the AWS SDK ${sdk}: passed; the package takes ${megabytes.toFixed(1)} MB`);
};

const file = packed();
checkLinks(file);
for (const sdk of sdkVersions) consume(file, sdk);
const hashes = new Map<string, string>();
for (const project of projects) {
  const where = install(file, project);
  for (const [command, ...args] of project.commands) {
    for (const each of command === 'node' ? nodes() : [command]) {
      run(where, [each, ...args]);
      if (command === 'node') hashes.set(`${project.kind} with ${each}`, hashesIn(where));
    }
  }
  console.log(`${project.kind}: passed`);
}
if (new Set(hashes.values()).size !== 1)
  throw new Error(`The functions differ between ${[...hashes.keys()].join(', ')}.`);
const elsewhere = builtElsewhere();
for (const name of readdirSync(elsewhere)) {
  const same = readFileSync(join(elsewhere, name)).equals(readFileSync(join(root, 'dist', 'functions', name)));
  if (!same) throw new Error(`${name} differs if it is built in another folder.`);
}
console.log(`the functions are the same in ${hashes.size} apps, and built in another folder`);
