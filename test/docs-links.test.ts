import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const skipped = new Set(['node_modules', 'cdk.out', 'dist', 'coverage']);

const pagesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) || entry.name.startsWith('.') ? [] : pagesBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
// People do not read what a tool writes for itself.
const pages = pagesBelow('.').filter(page => !page.startsWith('tools/package/api/'));

/** A page without the code in it, which may look like headings and links. */
const proseOf = (page: string): string =>
  readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, block => block.replace(/[^\n]/g, ''));

/** The anchor that GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
const anchorsOf = (page: string): readonly string[] => {
  const seen = new Map<string, number>();
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const anchor = anchorOf(heading);
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
};

/** The targets of links and pictures, apart from those of other sites. */
const linksIn = (text: string): readonly string[] =>
  [...text.replace(/`[^`\n]*`/g, 'code').matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)].map(([, target = '']) => target);

/** Why a link leads nowhere, if it does. */
const brokenIn = (page: string, target: string): string | undefined => {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : relative(root, join(root, dirname(page), decodeURI(path)));
  if (file.startsWith('..') || !existsSync(join(root, file))) return `${page}: ${target} is not there`;
  if (anchor === undefined) return undefined;
  return anchorsOf(file).includes(anchor) ? undefined : `${page}: ${file} has no heading "#${anchor}"`;
};

const LONG = 100;
const isLong = (page: string) => readFileSync(join(root, page), 'utf8').trimEnd().split('\n').length > LONG;

describe('links', () => {
  it('are found', () => {
    expect(linksIn('[a](b.md) ![c](d.png "e") [f](#g) [h](https://i.example) `[j](k)` [`l`](m.md#n)')).toEqual([
      'b.md',
      '#g',
      'm.md#n',
    ]);
    expect(pages.flatMap(page => linksIn(proseOf(page))).length).toBeGreaterThan(100);
  });

  it('to nowhere are found', () => {
    expect(brokenIn('README.md', 'docs/nothing.md')).toBe('README.md: docs/nothing.md is not there');
    expect(brokenIn('docs/api.md', '#nothing')).toBe('docs/api.md: docs/api.md has no heading "#nothing"');
    expect(brokenIn('README.md', '../elsewhere.md')).toBe('README.md: ../elsewhere.md is not there');
    expect(brokenIn('README.md', 'docs/security.md#what-remains')).toBeUndefined();
  });

  it.each(pages)('of %s lead somewhere', page => {
    expect(linksIn(proseOf(page)).flatMap(target => brokenIn(page, target) ?? [])).toEqual([]);
  });
});

describe('pages of more than a hundred lines', () => {
  const long = pages.filter(page => isLong(page) && page !== 'CHANGELOG.md');

  it('are there', () => expect(long.length).toBeGreaterThan(3));

  it.each(long)('%s begins with a table of contents: all of its sections, and nothing else', page => {
    const [beginning = ''] = proseOf(page).split(/^## /m);
    const entries = [...beginning.matchAll(/^- \[.+\]\(#(.+)\)$/gm)].map(([, anchor]) => anchor);
    const sections = [...proseOf(page).matchAll(/^## (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
    expect(entries).toEqual(sections);
  });
});
