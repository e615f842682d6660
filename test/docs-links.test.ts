import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorOf, brokenIn, linksIn, markdownIn, proseIn } from './kit/links.ts';
import { textOf } from './kit/repository.ts';

const root = join(import.meta.dirname, '..');
// People do not read what a tool writes for itself.
const pages = markdownIn(root).filter(page => !page.startsWith('tools/package/api/'));
const proseOf = (page: string) => proseIn(textOf(page));

const LONG = 100;
const isLong = (page: string) => textOf(page).trimEnd().split('\n').length > LONG;

describe('links', () => {
  it('are found', () => {
    expect(linksIn('[a](b.md) ![c](d.png "e") [f](#g) [h](https://i.example) `[j](k)` `o\np` [`l`](m.md#n)')).toEqual([
      'b.md',
      '#g',
      'm.md#n',
    ]);
    expect(pages.flatMap(page => linksIn(proseOf(page))).length).toBeGreaterThan(100);
  });

  it('to nowhere are found', () => {
    expect(brokenIn(root, 'README.md', 'docs/nothing.md')).toBe('README.md: docs/nothing.md is not there');
    expect(brokenIn(root, 'docs/api.md', '#nothing')).toBe('docs/api.md: docs/api.md has no heading "#nothing"');
    expect(brokenIn(root, 'README.md', '../elsewhere.md')).toBe('README.md: ../elsewhere.md is not there');
    expect(brokenIn(root, 'README.md', 'docs/security.md#what-remains')).toBeUndefined();
  });

  it.each(pages)('of %s lead somewhere', page => {
    expect(linksIn(proseOf(page)).flatMap(target => brokenIn(root, page, target) ?? [])).toEqual([]);
  });
});

describe('paths of this repository', () => {
  // A definition in `providers` is the reader's own.
  const places = 'bench|catalogue|clients|docs|examples|functions|infra|lib|local|test|tools';
  const pathsIn = (page: string) =>
    [...proseOf(page).matchAll(new RegExp(`\`((?:${places})/[\\w./-]*)\``, 'g'))].map(([, path = '']) => path);
  const named = pages.map(page => [page, pathsIn(page)] as const).filter(([, paths]) => paths.length > 0);

  it('are found', () => expect(named.length).toBeGreaterThan(5));

  it.each(named)('that %s names are there', (_, paths) => {
    expect(paths.filter(path => !existsSync(join(root, path)))).toEqual([]);
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
