import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
  run(project, [
    'npm',
    'install',
    '--omit=peer',
    '--omit=optional',
    '--no-audit',
    '--no-fund',
    '--no-save',
    '--silent',
    file,
  ]);
  const modules = join(project, 'node_modules');
  const installed = readdirSync(modules).filter(name => !name.startsWith('.'));
  if (installed.join() !== 'token-refresher')
    throw new Error(`The package brings others along: ${installed.join(', ')}.`);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'token-refresher' && !name.startsWith('.'))
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
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

const file = packed();
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
