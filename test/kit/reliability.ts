import { readFileSync, writeFileSync } from 'node:fs';

const DOCUMENT = new URL('../../docs/reliability.md', import.meta.url);

/** Replaces a section of a text; two comments with its name mark the section. */
export const withSection = (text: string, name: string, section: string): string => {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no section "${name}"`);
  return `${text.slice(0, from + begin.length)}\n${section.trim()}\n${text.slice(to)}`;
};

/** Writes the figures of a run into docs/reliability.md. */
export const record = (name: 'faults' | 'simulation' | 'dead-schedule' | 'mutants', section: string): void =>
  writeFileSync(DOCUMENT, withSection(readFileSync(DOCUMENT, 'utf8'), name, section));
