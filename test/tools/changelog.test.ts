import { describe, expect, test } from 'vitest';
import { ReleaseError, released } from '../../tools/package/changelog.ts';

const intro = '# Changelog\n\n- [Unreleased](#unreleased)\n';
const older = '## 0.1.0 - 2026-01-01\n\n### Added\n- The first.\n';

describe('a release', () => {
  test('moves what is unreleased under its version', () => {
    const text = `${intro}\n## Unreleased\n\n### Fixed\n- A bug.\n\n${older}`;
    expect(released(text, '0.2.0', '2026-11-27')).toBe(
      `# Changelog\n\n- [Unreleased](#unreleased)\n- [0.2.0 - 2026-11-27](#020---2026-11-27)\n\n` +
        `## Unreleased\n\n## 0.2.0 - 2026-11-27\n\n### Fixed\n- A bug.\n\n${older}`,
    );
  });

  test('works for the first one', () => {
    const text = released(`${intro}\n## Unreleased\n\n- All of it.\n`, '0.1.0', '2026-11-27');
    expect(text).toContain('## Unreleased\n\n## 0.1.0 - 2026-11-27\n\n- All of it.\n');
  });

  test.each([
    ['without a section', `${intro}\n${older}`, 'needs a section'],
    ['without content', `${intro}\n## Unreleased\n\n${older}`, 'nothing to release'],
    ['of a version that is there', `${intro}\n## Unreleased\n- A.\n\n${older}`, 'already has 0.1.0'],
  ])('%s is refused', (_, text, sentence) => {
    expect(() => released(text, '0.1.0', '2026-11-27')).toThrow(ReleaseError);
    expect(() => released(text, '0.1.0', '2026-11-27')).toThrow(sentence);
  });
});
