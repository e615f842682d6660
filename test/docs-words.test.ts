import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Words that pages do not use, and what they use instead. */
const instead: readonly (readonly [RegExp, string])[] = [
  [/\btold\b/i, 'logged, reported, or "gets a mail"'],
  [/\bsa(?:ys|id) no\b/i, 'refuses'],
  [/(?<!\bthere )\bis no\b/i, 'is not'],
  [/\bso that\b/i, 'a sentence of its own'],
  [/\b(?:tokens?|codes?|sessions?) (?:that )?(?:lives?|died?|dies)\b/i, 'is valid, expires'],
  [/\b(?:living|live|dead) (?:access |refresh )?tokens?\b/i, 'valid, expired'],
  [/\bit is looked\b/i, 'polls'],
  [/\banew\b/i, 'again'],
  [/\bbeside\b/i, 'next to, apart from'],
  [/\b(?:of ours|whoever)\b/i, 'of token-refresher; anyone who'],
];

const root = join(import.meta.dirname, '..');
const pages = ['.', 'docs', 'docs/decisions', 'examples'].flatMap(folder =>
  readdirSync(join(root, folder))
    .filter(file => file.endsWith('.md'))
    .map(file => join(folder, file)),
);

/** The text of a page without code, and with its lines. */
const proseOf = (page: string): string =>
  readFileSync(join(root, page), 'utf8')
    .replace(/^```[\s\S]*?^```$/gm, block => block.replace(/[^\n]/g, ''))
    .replace(/`[^`\n]*`/g, 'code');

const found = (text: string): readonly string[] =>
  text.split('\n').flatMap((line, n) =>
    instead.flatMap(([word, better]) => {
      const match = word.exec(line);
      return match ? [`line ${n + 1}: "${match[0]}": write ${better}`] : [];
    }),
  );

it('notices each of these words', () => {
  const sentences = [
    'A person is told.',
    'The provider says no.',
    'This is no verdict.',
    'It waits so that it works.',
    'A token that lives an hour.',
    'The living token.',
    'It is looked at.',
    'It logs in anew.',
    'The one beside it.',
    'A fault of ours.',
  ];
  expect(sentences.map(sentence => found(sentence).length)).toEqual(sentences.map(() => 1));
  expect(found('There is no token. `no_living_token` expires.')).toEqual([]);
});

it.each(pages)('%s does without them', page => {
  expect(found(proseOf(page))).toEqual([]);
});
