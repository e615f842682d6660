import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { problemCodes } from '../lib/api/problem.ts';
import { errorCodes } from '../lib/core/errors.ts';
import {
  longestCallDeadline,
  defaultPolicy as policy,
  promised,
  runDeadlineOf,
  slotPatienceOf,
  tickOf,
} from '../lib/core/policy.ts';
import { CONNECTIONS_PER_SECRET, connectionsIn } from '../lib/core/secret.ts';
import { hours, minutes, parseConnectionId, seconds } from '../lib/core/types.ts';
import { providers } from '../lib/providers/index.ts';
import { parseOptions, usage } from '../local/options.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const rows = readme.split('\n').filter(line => line.startsWith('| `'));
const cells = (row: string) => row.split('|').map(cell => cell.trim());
const codesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
const snippets = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '');

describe('the README tells the truth', () => {
  test.each(providers.map(provider => [provider.id, provider] as const))('about the fields of %s', (id, provider) => {
    const row = cells(rows.find(each => each.startsWith(`| \`${id}\``)) ?? '');
    const told = codesIn(row.slice(3).join(' '));
    // Every secret may have these.
    const isOwn = (field: string) => !['baseUrl', 'apiBaseUrl'].includes(field);
    const fields = [...provider.fields.required, ...provider.fields.optional].filter(isOwn);
    const own = told.filter(isOwn);
    expect(own.toSorted()).toEqual(fields.toSorted());
    const required = codesIn(row[3] ?? '');
    expect(required).toEqual(expect.arrayContaining([...provider.fields.required]));
  });

  test('about token lifetimes', () => {
    const told = { '10 min': minutes(10), '20 min': minutes(20), '1 h': hours(1), '8 h': hours(8), '24 h': hours(24) };
    for (const provider of providers.filter(({ id }) => id !== 'ioffice')) {
      const lives = cells(rows.find(each => each.startsWith(`| \`${provider.id}\``)) ?? '')[2] ?? '';
      expect([provider.id, Reflect.get(told, lives)]).toEqual([provider.id, provider.lifetime]);
    }
  });

  test('about the options', () => {
    const inReadme = rows.flatMap(row => /^\| `(--\w+)/.exec(row)?.[1] ?? []);
    const inUsage = [...usage.matchAll(/^ {2}(--\w+)/gm)].map(([, option]) => option);
    expect([...inReadme, '--help'].toSorted()).toEqual(inUsage.toSorted());
  });

  test('about the codes of problems', () => {
    const told = rows.concat(readme.split('\n').filter(line => /^\| \d{3} \|/.test(line))).flatMap(row => codesIn(row));
    expect(told).toEqual(expect.arrayContaining([...problemCodes]));
    for (const code of ['invalid_client', 'invalid_grant', 'timeout', 'rate_limited', 'secret_invalid']) {
      expect(errorCodes).toContain(code);
    }
  });

  test('in its commands', () => {
    const starts = [...readme.matchAll(/npm start -- ([^`#\n]*)/g)].map(([, args = '']) => args.trim());
    expect(starts.length).toBeGreaterThan(1);
    for (const args of starts) expect(parseOptions(args.split(/\s+/))).toBeDefined();
    const scripts = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).scripts;
    expect(scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
  });

  test('in its JSON', () => {
    const [secret = '', token = ''] = snippets('json');
    const connection = parseConnectionId('poweroffice-v2/nordic-books');
    if (!connection) throw new Error('the name is one');
    const content = connectionsIn(connection, secret, 10);
    expect(content.ok && [...content.connections.keys()]).toEqual([
      'poweroffice-v2/nordic-books/oslo',
      'poweroffice-v2/nordic-books/bergen',
    ]);
    expect(Object.keys(JSON.parse(token))).toEqual([
      'connection',
      'accessToken',
      'tokenType',
      'issuedAt',
      'expiresAt',
      'expiresIn',
      'headers',
      'baseUrl',
    ]);
  });

  test('about the limit of a minTtl', () => {
    const inMinutes = ['poweroffice-v2', 'poweroffice-v1'].map(id => {
      const provider = providers.find(each => each.id === id);
      if (!provider) throw new Error(`${id} is a provider`);
      return Number((promised({ ...policy, tick: tickOf(provider) }, provider.lifetime) / minutes(1)).toFixed(6));
    });
    const said = /That is ([\d.]+) minutes of a token of 20, and ([\d.]+) of a token of 10\./.exec(readme) ?? [];
    expect(said.slice(1).map(Number)).toEqual(inMinutes);
  });

  test('about deadlines', () => {
    const { callDeadline, runDeadline, commit, lease } = policy;
    const row = (what: string) => cells(readme.split('\n').find(line => line.startsWith(`| ${what}`)) ?? '');
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

  test('about how many connections a secret holds', () => {
    expect(readme).toContain(`at most ${CONNECTIONS_PER_SECRET} (\`connectionsPerSecret\`)`);
  });

  test('in its links to files', () => {
    for (const [, file = ''] of readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      expect(() => readFileSync(new URL(`../${file}`, import.meta.url))).not.toThrow(/ENOENT/);
    }
  });
});

test('docs/reliability.md names tests that are there', () => {
  const reliability = readFileSync(new URL('../docs/reliability.md', import.meta.url), 'utf8');
  const named = [...reliability.matchAll(/`(test\/[\w./-]+\.ts)`/g)].map(([, path]) => path ?? '');
  expect(named.length).toBeGreaterThan(10);
  for (const path of named) expect([path, existsSync(new URL(`../${path}`, import.meta.url))]).toEqual([path, true]);
});
