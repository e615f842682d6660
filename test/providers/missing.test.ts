import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { providerIds } from '../../lib/providers/index.ts';
import { temporaryFolder } from '../kit/laptop-process.ts';
import { pathTo } from '../kit/repository.ts';
import { missingIn } from './missing.ts';

const FILES = [
  'definition',
  'fixtures/secret',
  'fixtures/requests',
  'fixtures/token',
  'fixtures/published',
  'fixtures/errors',
];

const rootWith = (files: readonly string[], definition: unknown = {}): string => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'acme', 'fixtures'), { recursive: true });
  for (const file of files) writeFileSync(join(root, 'acme', `${file}.json`), JSON.stringify(definition));
  return root;
};

it('nothing is missing from the providers of this package', () => {
  expect(missingIn()).toEqual([]);
});

it.each(providerIds)('what is particular to %s has tests', id => {
  expect(existsSync(pathTo(`test/providers/${id}.test.ts`))).toBe(true);
});

it('a sentence names each file that is missing', () => {
  expect(missingIn(rootWith(FILES), ['acme'])).toEqual([]);
  for (const file of FILES) {
    const sentences = missingIn(rootWith(FILES.filter(each => each !== file)), ['acme']);
    expect(sentences).toEqual([expect.stringMatching(`^lib/providers/acme/${file}\\.json is missing: write .+\\.$`)]);
  }
  expect(missingIn(rootWith(FILES, { login: [{}, {}] }), ['acme'])).toEqual([
    'lib/providers/acme/fixtures/code.json is missing: write what the provider answers to the first request of the login.',
  ]);
});

it('a sentence names an unlisted folder, and a provider without a folder', () => {
  expect(missingIn(rootWith(FILES), [])).toEqual([
    'lib/providers/definitions.ts does not have "acme": add a line for its definition.',
  ]);
  expect(missingIn(rootWith(FILES), ['acme', 'other'])).toContain(
    'lib/providers/other/definition.json is missing: write the definition, as docs/providers.md says.',
  );
});
