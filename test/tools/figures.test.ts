import { describe, expect, test } from 'vitest';
import { fingerprint } from '../../lib/core/fingerprint.ts';
import { FINGERPRINTS, figures, sectionIn, withSection } from '../../tools/figures/section.ts';
import { textOf } from '../kit/repository.ts';

const section = (name: string, text: string) => `<!-- ${name}: begin -->\n${text}\n<!-- ${name}: end -->`;

describe('a run that writes down its figures', () => {
  test('replaces its own section and leaves the others', () => {
    const text = `# Title\n\n${section('a', 'old')}\n\n${section('b', 'stays')}\n`;
    expect(withSection(text, 'a', 'new\n')).toBe(text.replace('old', 'new'));
  });

  test('does so as often as one likes', () => {
    const once = withSection(section('a', ''), 'a', '| x |');
    expect(withSection(once, 'a', '| x |')).toBe(once);
  });

  test('has to find its section', () => {
    expect(() => withSection('nothing', 'a', 'new')).toThrow('there is no section "a"');
  });

  const sections = Object.entries(figures).flatMap(([page, names]) => names.map(name => [page, name] as const));
  test.each(sections)('%s has the figures of "%s", with date and commit', (page, name) => {
    const figuresOfRun = sectionIn(textOf(page), name);
    expect(figuresOfRun).toMatch(/^Measured on \d{4}-\d\d-\d\d at commit [0-9a-f]{7}\.\n\n[\s\S]+/);
    const written: Readonly<Record<string, string>> = JSON.parse(textOf(FINGERPRINTS));
    expect(fingerprint(figuresOfRun), `${page}: only a run with --record may change "${name}"`).toBe(written[name]);
  });
});
