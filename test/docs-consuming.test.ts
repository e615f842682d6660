import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { windows } from '../lib/client/cache.ts';
import { tokenErrorCodes } from '../lib/client/errors.ts';
import { apiPatience, tablePatience } from '../lib/client/patience.ts';

const root = join(import.meta.dirname, '..');
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');
const consuming = textOf('docs/consuming.md');
const snippetsIn = (page: string) => [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');

test('the snippets for consumers have no type error', () => {
  const deploy = snippetsIn(textOf('docs/deploy.md')).filter(snippet => snippet.includes('token-refresher/client'));
  const snippets = [...snippetsIn(consuming), ...deploy];
  expect(snippets).toHaveLength(6);
  // Below the package: there its name means itself.
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, 'node_modules/.cache/snippets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = snippets.map((_, n) => join(folder, `snippet-${n}.ts`));
  for (const [n, file] of files.entries()) writeFileSync(file, snippets[n] ?? '');
  const { compilerOptions } = JSON.parse(textOf('tsconfig.json'));
  const options = { ...compilerOptions, typeRoots: [join(root, 'node_modules/@types')], noUnusedLocals: false };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout, status } = spawnSync(process.execPath, [tsc, '--project', folder], { encoding: 'utf8', cwd: root });
  expect([stdout, status]).toEqual(['', 0]);
});

test.each(['axios', 'undici'])('the recipe for %s is the one that is tested', name => {
  expect(snippetsIn(consuming)).toContain(textOf(`test/client/recipes/${name}.ts`));
});

test('the page explains every error code', () => {
  const [, table = ''] = consuming.split('\n## Errors\n');
  const rows = (table.split('\n## ')[0] ?? '').split('\n').filter(line => line.startsWith('| `'));
  const cells = rows.map(row => row.split('|').map(cell => cell.trim()));
  expect(cells.map(([, code]) => code?.replaceAll('`', ''))).toEqual(tokenErrorCodes);
  for (const [, code, means, next] of cells) expect([code, means !== '', next !== '']).toEqual([code, true, true]);
});

test('the page has the windows of the cache, and the longest reads', () => {
  const inPercent = ({ least, most }: { least: number; most: number }) => `${least * 100} to ${most * 100} %`;
  expect(consuming).toContain(`more than ${inPercent(windows.advisory)} of its life`);
  expect(consuming).toContain(`less than ${inPercent(windows.mandatory)}`);
  const prose = consuming.replaceAll('\n', ' ');
  expect(prose).toContain(
    `A read of the table ends after ${tablePatience.long / 1000} seconds, one of the API after ${apiPatience.long / 1000}.`,
  );
  expect(prose).toContain(`they end after ${tablePatience.short / 1000} and ${apiPatience.short / 1000}.`);
});
