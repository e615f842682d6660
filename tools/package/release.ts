import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReleaseError, released } from './changelog.ts';
import { root } from './functions.ts';

/**
 * `npm run release -- 1.2.3` makes the commit and the tag of a release. Pushing the tag starts
 * `.github/workflows/release.yml`, which checks everything once more and publishes with provenance.
 */

const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

const release = (version: string): void => {
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    throw new ReleaseError(`The version must be like 1.2.3, got "${version}".`);
  }
  if (git('branch', '--show-current') !== 'main') throw new ReleaseError('Releases are made on the branch "main".');
  if (git('status', '--porcelain') !== '') throw new ReleaseError('Commit or stash your changes first.');
  if (git('tag', '--list', `v${version}`) !== '') throw new ReleaseError(`The tag v${version} exists already.`);
  const changelog = join(root, 'CHANGELOG.md');
  const text = released(readFileSync(changelog, 'utf8'), version, new Date().toISOString().slice(0, 10));
  execFileSync('npm', ['version', version, '--no-git-tag-version', '--allow-same-version'], { cwd: root });
  writeFileSync(changelog, text);
  const file = join(root, 'infra/release.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/'.*'/, `'${version}'`));
  git(
    'commit',
    '--quiet',
    '--message',
    `release: ${version}`,
    '--',
    'CHANGELOG.md',
    'infra/release.ts',
    'package.json',
    'package-lock.json',
  );
  git('tag', '--annotate', `v${version}`, '--message', version);
  console.log(`Committed and tagged v${version}. Publish it with: git push origin main v${version}`);
};

try {
  release(process.argv[2] ?? '');
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
