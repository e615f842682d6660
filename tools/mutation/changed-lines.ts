/** What Stryker is to change, by file and lines, from the output of `git diff --unified=0`. */
export const changedLines = (diff: string): readonly string[] => {
  const targets: string[] = [];
  let file = '';
  for (const line of diff.split('\n')) {
    file = /^\+\+\+ (?:b\/)?(.+)$/.exec(line)?.[1] ?? file;
    const [, from, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    // Removed lines alone leave nothing to change.
    if (from !== undefined && count !== '0') targets.push(`${file}:${from}-${Number(from) + Number(count) - 1}`);
  }
  return targets;
};
