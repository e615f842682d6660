import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { longestCallDeadline, defaultPolicy as policy, runDeadlineOf, slotPatienceOf } from '../lib/core/policy.ts';
import { seconds } from '../lib/core/types.ts';
import { cells, codesIn, rowsOf, sectionOf, snippets } from './kit/pages.ts';
import { pathTo, textOf } from './kit/repository.ts';

const architecture = textOf('docs/architecture.md');

describe('docs/architecture.md', () => {
  test('has the deadlines', () => {
    const { callDeadline, runDeadline, commit, lease } = policy;
    const row = (what: string) => cells(architecture.split('\n').find(line => line.startsWith(`| ${what}`)) ?? '');
    const inSeconds = (cell = '') => [...cell.matchAll(/([\d.]+) s\b/g)].map(([, number]) => Number(number) * 1000);
    const ioffice = runDeadlineOf(policy, { callsPerRun: 3 });
    expect(inSeconds(row('one call of a provider')[2])).toEqual([callDeadline]);
    expect(inSeconds(row('all calls of one run')[2])).toEqual([runDeadline, ioffice, runDeadline - 2 * callDeadline]);
    expect(inSeconds(row('a refresh grant with the only copy')[2])).toEqual([lease - commit]);
    expect(inSeconds(row('waiting for slots')[2])).toEqual([slotPatienceOf(policy, { callsPerRun: 2 })]);
    expect(inSeconds(row('reserved for keep')[2])).toEqual([commit]);
    expect(inSeconds(row('the lease')[2])).toEqual([lease]);
    for (const callsPerRun of [1, 2, 3]) {
      const rateLimit = { calls: 1, per: seconds(1) };
      const longest = [{ callsPerRun }, { callsPerRun, rateLimit }].map(each => longestCallDeadline(policy, each));
      expect(inSeconds(row(`${callsPerRun} call`).slice(2).join(' '))).toEqual(longest);
    }
  });

  test('draws four flows', () => {
    expect(snippets(architecture, 'mermaid')).toHaveLength(4);
  });

  // What a reader of the code has to know.
  const glossary = [
    ...[
      'provider',
      'definition',
      'connection',
      'secret',
      'credentials',
      'account',
      'token',
      'session',
      'login',
      'grant',
    ],
    ...['refresh grant', 'tick', 'due', 'lease', 'run', 'claim', 'version', 'settle', 'shard', 'policy', 'attention'],
    ...['retire', 'watch', 'source', 'port'],
  ];

  test('has a glossary of words that the code exports', () => {
    const [, table = ''] = /\n\| word \| meaning \| in the code \|\n\|[-|]+\n((?:\|.*\n)+)/.exec(architecture) ?? [];
    const words = table.trim().split('\n').map(cells);
    expect(words.map(([, word]) => word)).toEqual(expect.arrayContaining(glossary));
    const exported = new Set(
      ['lib', 'infra', 'local'].flatMap(folder =>
        readdirSync(pathTo(folder), { recursive: true, encoding: 'utf8' })
          .filter(file => file.endsWith('.ts'))
          .flatMap(file => [
            ...textOf(`${folder}/${file}`).matchAll(
              /^export (?:declare |abstract |async )*(?:class|const|type|interface|function) (\w+)/gm,
            ),
          ])
          .map(([, name]) => name),
      ),
    );
    for (const [, word, , code = ''] of words) {
      const names = codesIn(code);
      expect([word, names.length > 0, names.filter(name => !exported.has(name))]).toEqual([word, true, []]);
    }
  });

  test('names every folder', () => {
    const top = readdirSync(pathTo('.'), { withFileTypes: true })
      .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .filter(name => !['node_modules', 'cdk.out', 'dist', 'coverage', 'docs', 'lib', 'providers'].includes(name));
    const inLib = readdirSync(pathTo('lib'), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => `lib/${name}`);
    const named = rowsOf(sectionOf(architecture, 'Folders')).flatMap(row => codesIn(cells(row)[1] ?? ''));
    expect([...top, ...inLib].filter(folder => !named.includes(folder))).toEqual([]);
    for (const path of named) expect([path, existsSync(pathTo(path))]).toEqual([path, true]);
  });
});
