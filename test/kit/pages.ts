import { hours, minutes } from '../../lib/core/types.ts';

/** What the tests of the pages read: sections, tables, snippets and codes. */

/** The text below a heading of the second level, up to the next one. */
export const sectionOf = (page: string, heading: string): string =>
  page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
export const rowsOf = (page: string): string[] => page.split('\n').filter(line => line.startsWith('| `'));
export const cells = (row: string): string[] => row.split('|').map(cell => cell.trim());
export const codesIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
export const snippets = (page: string, language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '');
export const rowOf = (page: string, id: string): string[] =>
  cells(rowsOf(page).find(each => each.startsWith(`| \`${id}\``)) ?? '');

/** How long tokens of a provider are valid, as pages write it: "10 min" or "8 h". */
export const lifetimeIn = (text: string): number => {
  const [, count, unit] = /^(\d+) (min|h)$/.exec(text) ?? [];
  return unit === 'h' ? hours(Number(count)) : minutes(Number(count));
};

/** The fields of a token in an answer of the API. */
export const tokenFields = [
  'connection',
  'accessToken',
  'tokenType',
  'issuedAt',
  'expiresAt',
  'expiresIn',
  'headers',
  'baseUrl',
];
