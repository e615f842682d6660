import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { textOf } from './kit/repository.ts';

const root = join(import.meta.dirname, '..');
const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
const pages = ['README.md', ...inDocs.filter(file => file.endsWith('.md')).map(file => join('docs', file))];

interface Snippet {
  readonly page: string;
  /** How many lines of the page are above it. */
  readonly above: number;
  readonly text: string;
}

const snippetsIn = (page: string): readonly Snippet[] => {
  const text = textOf(page);
  return [...text.matchAll(/^ *```(?:ts|typescript)\b.*\n([\s\S]*?)^ *```$/gm)].map(({ index, 1: snippet = '' }) => ({
    page,
    above: text.slice(0, index).split('\n').length,
    text: snippet,
  }));
};

/** The reference shows each name as `name: type`, without a semicolon. It is generated from sources that are checked. */
const isSignature = ({ page, text }: Snippet) => page === 'docs/reference.md' && !text.endsWith(';\n');

/** What the snippets of a page use, and leave to the code of the reader. */
const given: Readonly<Record<string, string>> = {
  'README.md': `
    import { createTokenClient } from 'token-refresher/client';
    import { TokenRefresher } from 'token-refresher/infra';
    declare const invoices: import('aws-cdk-lib/aws-lambda').IFunction;`,
  'docs/deploy.md': `
    import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
    import { LambdaFunction, SnsTopic } from 'aws-cdk-lib/aws-events-targets';
    import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
    declare const tokens: import('token-refresher/infra').TokenRefresher;
    declare const openTicket: import('aws-cdk-lib/aws-lambda').IFunction;
    declare const security: import('aws-cdk-lib/aws-sns').ITopic;`,
  'docs/reference.md': `
    import { createTokenClient } from 'token-refresher/client';
    import { TokenRefresher } from 'token-refresher/infra';
    declare const myFunction: import('aws-cdk-lib/aws-lambda').IFunction;`,
};

/**
 * A module of a snippet: its imports, and the rest as a function of a stack, in which it may declare a name that is
 * given. Each line has its number in the page.
 */
const moduleOf = ({ page, above, text }: Snippet) => {
  const [imports = ''] = /^(import .*\n)*/.exec(text) ?? [];
  const rest = text.slice(imports.length).replace(/^export /gm, '');
  const before = (given[page] ?? '').replaceAll('\n', ' ');
  const opening = "export async function snippet(this: import('aws-cdk-lib').Stack) {";
  return `${before}${'\n'.repeat(above)}${imports}${opening} ${rest}}\n`;
};

/** What the compiler reports about the snippets. */
const errorsOf = (snippets: readonly Snippet[]): string => {
  // Below the package: there its name means itself.
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, 'node_modules/.cache/snippets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = snippets.map(({ page, above }) => join(folder, `${page.replaceAll('/', '.')}-${above}.ts`));
  for (const [n, file] of files.entries()) writeFileSync(file, snippets[n] ? moduleOf(snippets[n]) : '');
  const { compilerOptions } = JSON.parse(textOf('tsconfig.json'));
  const options = { ...compilerOptions, typeRoots: [join(root, 'node_modules/@types')], noUnusedLocals: false };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '--project', folder], { encoding: 'utf8', cwd: folder });
  return stdout + stderr;
};

test('the snippets of the pages have no type error', { timeout: 60_000 }, () => {
  const snippets = pages.flatMap(snippetsIn).filter(snippet => !isSignature(snippet));
  const withSnippets = new Set(snippets.map(({ page }) => page));
  expect([...withSnippets].sort()).toEqual(['README.md', 'docs/consuming.md', 'docs/deploy.md', 'docs/reference.md']);
  const wrong = { page: 'README.md', above: 999, text: "tokens.grantRead(invoices, 'poweroffice-v2/acme');\n" };
  const errors = errorsOf([...snippets, wrong])
    .trimEnd()
    .split('\n');
  expect(errors).toEqual([expect.stringMatching(/^README\.md-999\.ts\(1000,\d+\): error TS2304: .* 'tokens'\.$/)]);
});

test.each(['axios', 'undici'])('the recipe for %s is the one that is tested', name => {
  const snippets = snippetsIn('docs/consuming.md').map(({ text }) => text);
  expect(snippets).toContain(textOf(`test/client/recipes/${name}.ts`));
});
