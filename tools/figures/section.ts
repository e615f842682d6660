import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fingerprint } from '../../lib/core/fingerprint.ts';

/** Figures in docs: one run writes a whole section, with its date and commit. */

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Replaces a section of a text; two comments with its name mark the section. */
export const withSection = (text: string, name: string, section: string): string => {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no section "${name}"`);
  return `${text.slice(0, from + begin.length)}\n${section.trim()}\n${text.slice(to)}`;
};

/** When and of what a run is: its date in UTC, and the commit of the working tree. */
export const provenance = (): { readonly date: string; readonly commit: string } => ({
  date: new Date().toISOString().slice(0, 10),
  commit: execFileSync('git', ['rev-parse', '--short=7', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim(),
});

/** Writes a section of a page, such as `docs/cost.md`. */
export const writeSection = (page: string, name: string, section: string): void => {
  const file = `${root}${page}`;
  writeFileSync(file, withSection(readFileSync(file, 'utf8'), name, section));
};

/** The pages with measured figures, and the sections of each. */
export const figures = {
  'docs/reliability.md': ['faults', 'dead-schedule', 'simulation', 'mutants', 'rate-limits', 'memory'],
  'docs/consuming.md': ['bench'],
} as const;

/** The text of a section. */
export const sectionIn = (text: string, name: string): string =>
  text.split(`<!-- ${name}: begin -->\n`)[1]?.split(`<!-- ${name}: end -->`)[0]?.trim() ?? '';

/** The fingerprint of each section that a run wrote, to notice figures that were changed by hand. */
export const FINGERPRINTS = 'tools/figures/fingerprints.json';

const noteFingerprint = (name: string, section: string): void => {
  const file = `${root}${FINGERPRINTS}`;
  const known: Readonly<Record<string, string>> = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, `${JSON.stringify({ ...known, [name]: fingerprint(section.trim()) }, null, 2)}\n`);
};

/** Writes the figures of a run, with its date and commit. */
export const record = <Page extends keyof typeof figures>(
  page: Page,
  name: (typeof figures)[Page][number],
  section: string,
): void => {
  const { date, commit } = provenance();
  const text = `Measured on ${date} at commit ${commit}.\n\n${section}`;
  writeSection(page, name, text);
  noteFingerprint(name, text);
};
