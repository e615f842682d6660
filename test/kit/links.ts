import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The links of Markdown pages below a folder: this repository, or the package that is made of it. */

const skipped = new Set(['node_modules', 'cdk.out', 'dist', 'coverage']);

/** The pages below a folder, as paths in it. */
export const markdownIn = (root: string, folder = '.'): readonly string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) || entry.name.startsWith('.') ? [] : markdownIn(root, path);
    return entry.name.endsWith('.md') ? [path] : [];
  });

/** A page without the code in it, which may look like headings and links. */
export const proseIn = (text: string): string =>
  text.replace(/^```[\s\S]*?^```$/gm, block => block.replace(/[^\n]/g, ''));

/** The anchor that GitHub makes of a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchorsIn = (text: string): readonly string[] => {
  const seen = new Map<string, number>();
  return [...proseIn(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const anchor = anchorOf(heading);
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
};

/** The targets of links and pictures in prose, apart from those of other sites. Code may go on in the next line. */
export const linksIn = (prose: string): readonly string[] =>
  [...prose.replace(/`([^`\n]|\n(?!\n))*`/g, 'code').matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)].map(
    ([, target = '']) => target,
  );

/** Why a link of a page leads nowhere, if it does. */
export const brokenIn = (root: string, page: string, target: string): string | undefined => {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : relative(root, join(root, dirname(page), decodeURI(path)));
  if (file.startsWith('..') || !existsSync(join(root, file))) return `${page}: ${target} is not there`;
  if (anchor === undefined) return undefined;
  const anchors = anchorsIn(readFileSync(join(root, file), 'utf8'));
  return anchors.includes(anchor) ? undefined : `${page}: ${file} has no heading "#${anchor}"`;
};
