import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { withSection } from './reliability.ts';

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

  test('finds it in the document', () => {
    const document = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8');
    for (const name of ['faults', 'simulation', 'dead-schedule', 'mutants'])
      expect(() => withSection(document, name, '')).not.toThrow();
  });
});
