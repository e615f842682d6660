import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { behind, inexact } from './behind.ts';

/** Fails if a pinned Node is behind a security release. The list of releases is the newest that the registry has. */
const pinsSchema = z.object({ optionalDependencies: z.record(z.string(), z.string()) });
const releasesSchema = z.array(z.object({ version: z.string().regex(/^\d/), security: z.boolean() })).min(1);
const scheduleSchema = z.record(z.string(), z.object({ start: z.iso.date(), end: z.iso.date() }));

const json = (file: string | URL): unknown => JSON.parse(readFileSync(file, 'utf8'));

const installed = (folder: string): boolean => {
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts'];
  try {
    execFileSync('npm', ['install', ...options, 'node-releases@latest'], { stdio: 'ignore', timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
};

const { optionalDependencies: pins } = pinsSchema.parse(json(new URL('package.json', import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'node-releases-'));
try {
  const known = installed(folder);
  const data = join(folder, 'node_modules/node-releases/data');
  const sentences = known
    ? behind(
        pins,
        releasesSchema.parse(json(join(data, 'processed/envs.json'))),
        scheduleSchema.parse(json(join(data, 'release-schedule/release-schedule.json'))),
        new Date().toISOString().slice(0, 10),
      )
    : inexact(pins);
  for (const sentence of sentences) console.error(sentence);
  if (!known)
    console.log('skipped: npm cannot install node-releases, so nobody checked the pinned Node for security releases');
  else if (sentences.length === 0)
    console.log('every pinned Node is supported and has the security releases of its line');
  process.exitCode = sentences.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
