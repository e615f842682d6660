import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { textOf } from './kit/repository.ts';

/** Plain English in everything that people read: comments, strings with a blank, definitions of providers, and pages. */

const root = join(import.meta.dirname, '..');
const FOLDERS = ['lib', 'infra', 'functions', 'local', 'bench', 'test', 'tools', 'examples', 'catalogue', 'clients'];
const FILES = [
  '.cfnlintrc.yaml',
  '.ci/run',
  '.github/workflows/release.yml',
  'package.json',
  'docs/openapi.json',
  'docs/postman.json',
];
const pages = ['.', 'docs', 'docs/decisions', 'examples/lambda'].flatMap(folder =>
  readdirSync(join(root, folder))
    .filter(file => file.endsWith('.md'))
    .map(file => join(folder, file)),
);

/** A phrase to avoid, and what to write instead. */
const NOT: readonly (readonly [RegExp, string])[] = [
  [/\b(?:be|is|are|was|were|been|being|gets?|got) told\b|\btells\b|\bsaid\b/i, 'log, report, send or distinguish'],
  [/\btell (?:him|her|them|people|somebody|nobody)\b/i, 'log, report or send'],
  [/\bhears?\b|\b(?:record|list|cache|table|log|store)s? (?:knows?|hears?|learns?)\b/i, 'note, contain or receive'],
  [/\bask(?:s|ed|ing)? the provider\b|\bproviders? (?:is|are|was|were) asked\b/i, 'call or send'],
  [/\bit is looked\b|\b(?:is|are)(?: not)? looked (?:at|for)\b/i, 'who reads, lists or checks it'],
  [
    /(?<!\bthere (?:may |must |can |will )?)\b(?:be|been|being|is|are|was|were) no (?!longer|larger|less|more)/i,
    'is not a',
  ],
  [/\b(?:that|which) (?:is|are) none\b/i, 'is not a, or invalid'],
  [/\bso that\b/i, 'to, or two sentences'],
  [/\b(?:lives?|lived|living|alive)\b/i, 'is valid, or expires'],
  [/\b(?:tokens?|sessions?|connections?|codes?|they|it)(?: that| which)? (?:dies?|died)\b/i, 'expires or ends'],
  [/\bdead (?:tokens?|sessions?|connections?)\b|\bis dead\b|\btokens?['’]?s? death\b/i, 'an expired token'],
  [/\b(?:even|also) where\b|, where there (?:is|are)\b|\bwhere (?:nothing|nobody)\b/i, 'if'],
  [/\bwhere (?:an?|no|the|its) \S+ (?:does|has|expires?|fails?|ends?|can|could|may|cannot|(?:is|are) not)\b/i, 'if'],
  [/\banew\b/i, 'again'],
  [/\bbeside\b/i, 'next to, besides or with'],
  [/\bof ours\b/i, 'our'],
  [/\bof (?:which|whom)\b/i, 'two sentences'],
  [/\bwhoever\b|\bwhatever (?:became|becomes|is)\b/i, 'the noun'],
  [/\bfor want of\b|\ba want of\b/i, 'without, or a need of'],
  [/\b(?:mis)?spelt\b/i, 'spelled'],
  [/\bshall\b/i, 'must or will'],
  [/\b(?:he|his|him)\b/i, 'they, or the noun'],
];
/** Texts that need such a phrase, and why. */
const EXCEPTIONS: readonly (readonly [string, string])[] = [
  ['live or test', 'names of environments in an example'],
  ['"live" nor "test"', 'names of environments in an example'],
  ['connections alive', 'the term of HTTP: keep-alive'],
  ['A live view', 'the term for a view that is redrawn'],
];

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'cdk.out'].includes(entry.name) ? [] : filesBelow(path);
    return /\.(?:ts|cjs|mjs|json|py|yaml)$/.test(path) && !path.endsWith('package-lock.json') ? [path] : [];
  });

interface Text {
  readonly line: number;
  readonly prose: string;
}

const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/.source;
const TEMPLATE = /`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\})*`/.source;
const STRING = `(?:${QUOTED}|${TEMPLATE})`;
const COMMENT = /(?:^[ \t]*\/\/.*\n)+|\/\/.*|\/\*[\s\S]*?\*\//.source;
/** It may contain quotes, and the words of a message that a test expects. It follows an operator or a bracket. */
const REGULAR_EXPRESSION = /(?<=[(,=:[!&|?{};>]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//.source;
const IN_SCRIPTS = new RegExp(`${COMMENT}|${REGULAR_EXPRESSION}|${STRING}(?:\\s*\\+\\s*${STRING})*`, 'gm');
const IN_OTHERS = new RegExp(`(?:^[ \\t]*#.*\\n)+|#.*|"""[\\s\\S]*?"""|${QUOTED}`, 'gm');

/** Without URLs and the marks of comments, on one line. Strings that are added are one. */
const proseOf = (text: string): string =>
  text
    .replace(/^[ \t]*(?:\/\/|\/?\*+|#)/gm, '')
    .replace(/['"`]\s*\+\s*['"`]/g, '')
    .replace(/https?:\S+/g, 'URL')
    .replace(/\s+/g, ' ');

/** The comments and strings of a file that have a blank. Comments on lines that follow each other are one. */
const textsOf = (file: string, content: string): readonly Text[] => {
  let line = 1;
  let read = 0;
  return [...content.matchAll(/\.(?:ts|cjs|mjs|json)$/.test(file) ? IN_SCRIPTS : IN_OTHERS)]
    .map(({ 0: text, index }) => {
      line += content.slice(read, index).split('\n').length - 1;
      read = index;
      return { line, prose: proseOf(text) };
    })
    .filter(({ prose }) => prose.trim().includes(' '));
};

/** Without code, which has no sentences. The lines of a paragraph are one text. */
const paragraphsOf = (page: string): readonly Text[] => {
  const blank = (code: string) => code.replace(/[^\n]/g, '');
  const prose = page.replace(/^```[\s\S]*?^```$/gm, blank).replace(/`[^`\n]*`/g, 'code');
  let line = 1;
  return prose.split(/\n(?=\s*(?:[-|#]|\d+\.|\n))/).map(paragraph => {
    const text = { line, prose: proseOf(paragraph) };
    line += paragraph.split('\n').length;
    return text;
  });
};

const faultsIn = (texts: readonly Text[]): readonly string[] =>
  texts.flatMap(({ line, prose }) => {
    if (EXCEPTIONS.some(([each]) => prose.includes(each))) return [];
    return NOT.flatMap(([phrase, instead]) => {
      const [found] = phrase.exec(prose) ?? [];
      return found === undefined ? [] : [`${line}: "${found}" in "${prose.trim()}". Write: ${instead}.`];
    });
  });

const SENTENCES = [
  'A person is told.',
  'A person must be told.',
  'It tells what failed.',
  'The log said so.',
  'This is no verdict.',
  'It must be no verdict.',
  'A name that is none.',
  'It works, whatever becomes of it.',
  'It waits so that it works.',
  'A token that lives an hour.',
  'The living token.',
  'The session died.',
  'A dead token.',
  'It is looked at.',
  'It logs in anew.',
  'The one beside it.',
  'A fault of ours.',
  'A misspelt field.',
  'It is tried, where there is time.',
  'It refreshes where the token expires.',
];

it.each(SENTENCES)('notices "%s" in comments, strings and pages', sentence => {
  const [first = '', ...more] = sentence.split(' ');
  const broken = (mark: string) => `${mark} ${first}\n${mark} ${more.join(' ')}\n`;
  const found = [
    textsOf('a.ts', broken('//')),
    textsOf('a.ts', `const a = 1; // ${sentence}\n`),
    textsOf('a.ts', `/**\n${broken(' *')} */`),
    textsOf('a.ts', `const a = /'/.test('${sentence}');`),
    textsOf('a.ts', `const a = \`\${b(\`\${c}\`)} ${sentence}\`;`),
    textsOf('a.ts', `const a = '${first} ' +\n  \`${more.join(' ')}\`;`),
    textsOf('a.json', `{ "source": "${sentence}" }`),
    textsOf('a.py', broken('#')),
    textsOf('a.py', `"""A.\n\n${sentence}"""`),
    textsOf('a.yaml', `a: 1 # ${sentence}`),
    paragraphsOf(`# A\n\n${first}\n${more.join(' ')}\n`),
  ];
  expect(found.map(texts => faultsIn(texts).length)).toEqual(found.map(() => 1));
});

it('does not look for phrases in code and URLs', () => {
  expect(
    faultsIn(paragraphsOf('There is no token. `no_valid_token` expires.\n\n```sh\nthis is no text\n```\n')),
  ).toEqual([]);
  expect(faultsIn(textsOf('a.ts', "const is = no; // https://example.com/alive\nconst a = 'lives';"))).toEqual([]);
});

it('comments, strings, names of tests and definitions are plain English', () => {
  // This file contains the phrases.
  const files = [...FOLDERS.flatMap(filesBelow), ...FILES].filter(file => file !== 'test/words.test.ts');
  const faults = files.flatMap(file => faultsIn(textsOf(file, textOf(file))).map(fault => `${file}:${fault}`));
  expect(faults).toEqual([]);
});

it.each(pages)('%s is plain English', page => {
  expect(faultsIn(paragraphsOf(textOf(page)))).toEqual([]);
});
