import { textOf } from '../kit/repository.ts';

const text = textOf('docs/runbook.md');

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
