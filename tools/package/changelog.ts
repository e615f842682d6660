/** What is wrong with a release; the message is for the person who makes it. */
export class ReleaseError extends Error {
  override readonly name = 'ReleaseError';
}

/**
 * The changelog with its unreleased part under a version and a date (`2026-11-27`), and an empty unreleased part. Throws
 * a `ReleaseError` if there is nothing to release.
 */
export const released = (changelog: string, version: string, date: string): string => {
  const [, before, content, after] =
    /^([\s\S]*?)^## Unreleased\n([\s\S]*?)(^## [\s\S]*|$(?![\s\S]))/m.exec(changelog) ?? [];
  if (before === undefined || content === undefined)
    throw new ReleaseError('CHANGELOG.md needs a section "## Unreleased".');
  if (content.trim() === '')
    throw new ReleaseError('CHANGELOG.md has nothing under "## Unreleased": there is nothing to release.');
  if (changelog.includes(`\n## ${version} `)) throw new ReleaseError(`CHANGELOG.md already has ${version}.`);
  const heading = `${version} - ${date}`;
  const anchor = heading.replace(/[^\w -]/g, '').replaceAll(' ', '-');
  const contents = before.replace(
    '- [Unreleased](#unreleased)\n',
    `- [Unreleased](#unreleased)\n- [${heading}](#${anchor})\n`,
  );
  return `${contents}## Unreleased\n\n## ${heading}\n${content}${after}`;
};
