import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { behind } from './behind.ts';

/** Fails if a pinned Node is behind a security release. The list of releases is the newest that the registry has. */
const pinsSchema = z.object({ optionalDependencies: z.record(z.string(), z.string()) });
const releasesSchema = z.array(z.object({ version: z.string(), security: z.boolean() }));

const json = (file: string | URL): unknown => JSON.parse(readFileSync(file, 'utf8'));

const newestReleases = () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-releases-'));
  try {
    const options = ['--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts'];
    execFileSync('npm', ['install', ...options, 'node-releases@latest'], { stdio: 'ignore', timeout: 60_000 });
    return releasesSchema.parse(json(join(folder, 'node_modules/node-releases/data/processed/envs.json')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const { optionalDependencies: pins } = pinsSchema.parse(json(new URL('package.json', import.meta.url)));
const releases = (() => {
  try {
    return newestReleases();
  } catch {
    return undefined;
  }
})();
if (!releases) {
  console.log('skipped: the registry does not answer with node-releases');
} else {
  const sentences = behind(pins, releases);
  for (const sentence of sentences) console.error(sentence);
  if (sentences.length === 0) console.log('every pinned Node has the security releases of its line');
  process.exitCode = sentences.length === 0 ? 0 : 1;
}
