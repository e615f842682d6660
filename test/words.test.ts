import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { textOf } from './kit/repository.ts';

/** Plain English in comments, in the names of tests and in documents. */

const root = join(import.meta.dirname, '..');
const FOLDERS = ['lib', 'infra', 'functions', 'local', 'bench', 'test', 'tools', 'examples'];
const pages = ['.', 'docs', 'docs/decisions', 'examples/lambda'].flatMap(folder =>
  readdirSync(join(root, folder))
    .filter(file => file.endsWith('.md'))
    .map(file => join(folder, file)),
);

/** A phrase to avoid, and what to write instead. */
const NOT: readonly (readonly [RegExp, string])[] = [
  [/\b(?:is|are|was|were|been) told\b|\btells? (?:him|her|them|people|somebody|nobody)\b/i, 'log, report or send'],
  [/\bhears?\b|\b(?:record|list|cache|table|log|store)s? (?:knows?|hears?|learns?)\b/i, 'note, contain or receive'],
  [/\bask(?:s|ed|ing)? the provider\b|\bproviders? (?:is|are|was|were) asked\b/i, 'call or send'],
  [/\bit is looked\b|\b(?:is|are)(?: not)? looked (?:at|for)\b/i, 'who reads, lists or checks it'],
  [/(?<!\bthere )\b(?:is|are) no (?!longer|larger|less|more)/i, 'is not a'],
  [/\bso that\b/i, 'to, or two sentences'],
  [
    /\btokens? (?:that )?(?:lives?|lived|dies?|died|(?:is|are) (?:dead|alive))\b|\bthey live\b/i,
    'is valid, or expires',
  ],
  [/\b(?:living|live|dead) tokens?\b|\btokens?['’]?s? death\b/i, 'a valid or expired token'],
  [/\b(?:even|also) where\b|, where there (?:is|are)\b/i, 'if'],
  [/\banew\b/i, 'again'],
  [/\bbeside\b/i, 'next to, besides or with'],
  [/\bof ours\b/i, 'our'],
  [/\bof (?:which|whom)\b/i, 'two sentences'],
  [/\bwhoever\b|\bwhatever (?:became|is)\b/i, 'the noun'],
  [/\bfor want of\b|\ba want of\b/i, 'without, or a need of'],
  [/\b(?:mis)?spelt\b/i, 'spelled'],
  [/\bshall\b/i, 'must or will'],
  [/\b(?:he|his|him)\b/i, 'they, or the noun'],
];
/** Sentences that need such a phrase. */
const EXCEPTIONS: readonly string[] = [];

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'cdk.out'].includes(entry.name) ? [] : filesBelow(path);
    return path.endsWith('.ts') ? [path] : [];
  });

const COMMENT = /^\s*(?:\/\/|\/?\*+)(.*)$|\s(?:\/\/|\/\*\*) (.*)$/;
/** Also matches the line after the table of an `each`. */
const TEST_NAME = /(?:\b(?:it|test|describe)(?:\.\w+)*(?:\(.*\))?|^\s*\]\))\(\s*(['"`])(.*)\1/;

const proseIn = (line: string): string => {
  const comment = COMMENT.exec(line);
  return comment?.[1] ?? comment?.[2] ?? TEST_NAME.exec(line)?.[2] ?? '';
};

/** Without code, which has no sentences. */
const withoutCode = (page: string): string =>
  page.replace(/^```[\s\S]*?^```$/gm, block => block.replace(/[^\n]/g, '')).replace(/`[^`\n]*`/g, 'code');

const faultsIn = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((prose, n) => {
    if (EXCEPTIONS.some(each => prose.includes(each))) return [];
    return NOT.flatMap(([phrase, instead]) => {
      const [found] = phrase.exec(prose) ?? [];
      return found === undefined ? [] : [`${n + 1}: "${found}". Write: ${instead}.`];
    });
  });

it('notices such phrases', () => {
  const sentences = [
    'A person is told.',
    'This is no verdict.',
    'It waits so that it works.',
    'A token that lives an hour.',
    'The living token.',
    'It is looked at.',
    'It logs in anew.',
    'The one beside it.',
    'A fault of ours.',
    'It is tried, where there is time.',
  ];
  expect(sentences.map(sentence => faultsIn([sentence]).length)).toEqual(sentences.map(() => 1));
  expect(faultsIn([withoutCode('There is no token. `no_valid_token` expires.')])).toEqual([]);
});

it('comments and the names of tests are plain English', () => {
  const faults = FOLDERS.flatMap(filesBelow).flatMap(file =>
    faultsIn(textOf(file).split('\n').map(proseIn)).map(fault => `${file}:${fault}`),
  );
  expect(faults).toEqual([]);
});

/** Files whose texts people read: titles of alarms, mails, problems, advice. */
const speaking = [
  'infra/alarms.ts',
  'lib/observe/mail.ts',
  'lib/api/problem.ts',
  'lib/client/errors.ts',
  'local/provider/words.ts',
];

it.each(speaking)('the texts in %s are plain English', file => {
  const texts = [...textOf(file).matchAll(/'((?:[^'\\\n]|\\.)*)'|`([^`]*)`/g)].map(
    ([, quoted, template]) => quoted ?? template ?? '',
  );
  expect(texts.filter(text => text.includes(' ')).length).toBeGreaterThan(3);
  expect(faultsIn(texts)).toEqual([]);
});

it.each(pages)('%s is plain English', page => {
  expect(faultsIn(withoutCode(textOf(page)).split('\n'))).toEqual([]);
});
