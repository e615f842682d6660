import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');

/** The anchors of the runbook, as GitHub makes them of headings. */
export const anchors: ReadonlySet<string> = new Set(
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  ),
);
