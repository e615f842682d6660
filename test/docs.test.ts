import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CONNECTIONS_PER_SECRET, connectionsIn } from '../lib/core/secret.ts';
import { parseConnectionId } from '../lib/core/types.ts';
import { metrics } from '../lib/observe/metrics.ts';
import { providers } from '../lib/providers/index.ts';
import { parseOptions, usage } from '../local/options.ts';
import { cells, codesIn, lifetimeIn, rowOf, rowsOf, sectionOf, snippets, tokenFields } from './kit/pages.ts';
import { pathTo, textOf } from './kit/repository.ts';

const readme = textOf('README.md');
const laptop = textOf('docs/laptop.md');
const secrets = textOf('docs/secrets.md');

describe('the README', () => {
  test('is short: at most 160 lines and 1,200 words', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(161);
    expect(readme.split(/\s+/).filter(word => word !== '').length).toBeLessThanOrEqual(1200);
  });

  test('shows within 40 lines how to use a token', () => {
    const beginning = readme.split('\n').slice(0, 40).join('\n');
    expect(beginning).toMatch(/```ts\n[\s\S]*?createTokenClient\(\)[\s\S]*?tokens\.fetch\(/);
    expect(beginning).toContain('tokens.grantRead(');
  });

  test.each(providers.map(provider => [provider.id, provider] as const))('names %s and its tokens', (id, provider) => {
    const [, , title, valid = ''] = rowOf(readme, id);
    expect(title, `README.md needs a row for ${id}`).toBe(provider.title);
    if (id !== 'ioffice') expect(lifetimeIn(valid)).toBe(provider.lifetime);
  });

  test('has an answer of the API', () => {
    expect(Object.keys(JSON.parse(snippets(readme, 'json')[0] ?? ''))).toEqual(tokenFields);
  });

  test('has commands that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json'));
    for (const command of ['npm ci && npm start', 'npm ci && npm test']) expect(readme).toContain(command);
    expect(scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
  });
});

test('the package ships the pages that its users need, and what they link to', () => {
  const shipped = ['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'catalogue', 'docs', 'examples'];
  expect(JSON.parse(textOf('package.json')).files).toEqual(
    expect.arrayContaining([...shipped, 'clients/python/token_refresher.py']),
  );
});

describe('docs/secrets.md', () => {
  test.each(providers.map(provider => [provider.id, provider] as const))('has the fields of %s', (id, provider) => {
    const row = rowOf(secrets, id);
    const named = codesIn(row.slice(3).join(' '));
    // They may stand in every secret.
    const isOwn = (field: string) => !['baseUrl', 'apiBaseUrl'].includes(field);
    const fields = [...provider.fields.required, ...provider.fields.optional].filter(isOwn);
    expect(named.filter(isOwn).toSorted(), 'docs/secrets.md needs a row with these fields').toEqual(fields.toSorted());
    expect(codesIn(row[3] ?? '')).toEqual(expect.arrayContaining([...provider.fields.required]));
  });

  test('says how long tokens are valid', () => {
    for (const provider of providers.filter(({ id }) => id !== 'ioffice')) {
      const valid = rowOf(secrets, provider.id)[2] ?? '';
      expect([provider.id, lifetimeIn(valid)]).toEqual([provider.id, provider.lifetime]);
    }
  });

  test('has a secret of many connections', () => {
    const [secret = ''] = snippets(secrets, 'json');
    const connection = parseConnectionId('poweroffice-v2/nordic-books');
    if (!connection) throw new Error('the name is one');
    const content = connectionsIn(connection, secret, 10);
    expect(content.ok && [...content.connections.keys()]).toEqual([
      'poweroffice-v2/nordic-books/oslo',
      'poweroffice-v2/nordic-books/bergen',
    ]);
    expect(secrets).toContain(`at most ${CONNECTIONS_PER_SECRET} (\`connectionsPerSecret\`)`);
  });
});

describe('docs/laptop.md', () => {
  test('has every option', () => {
    const named = rowsOf(laptop).flatMap(row => /^\| `(--\w+)/.exec(row)?.[1] ?? []);
    const inUsage = [...usage.matchAll(/^ {2}(--\w+)/gm)].map(([, option]) => option);
    expect([...named, '--help'].toSorted()).toEqual(inUsage.toSorted());
  });

  test('has commands that are accepted', () => {
    const starts = [readme, laptop].flatMap(page => [...page.matchAll(/npm start -- ([^`#\n]*)/g)]);
    expect(starts.length).toBeGreaterThan(1);
    for (const [, args = ''] of starts) expect(parseOptions(args.trim().split(/\s+/))).toBeDefined();
  });
});

test('docs/deploy.md has every metric', () => {
  const named = rowsOf(sectionOf(textOf('docs/deploy.md'), 'Metrics')).flatMap(row => codesIn(cells(row)[1] ?? ''));
  expect(named.toSorted()).toEqual(Object.values(metrics).toSorted());
});

describe('docs/decisions', () => {
  const files = readdirSync(pathTo('docs/decisions')).filter(file => file !== 'README.md');
  const titleOf = (file: string) => /^# (.+)$/m.exec(textOf(`docs/decisions/${file}`))?.[1];

  test('is numbered without a gap', () => {
    expect(files.map(file => Number(file.slice(0, 4))).toSorted((a, b) => a - b)).toEqual(files.map((_, n) => n + 1));
  });

  test('has an index of all records, with their titles', () => {
    const entries = textOf('docs/decisions/README.md').matchAll(/^(\d+\.) \[(.+)\]\((.+)\)$/gm);
    const index = [...entries].map(([, number, title, file]) => [file, `${number} ${title}`]);
    expect(index).toEqual(files.toSorted().map(file => [file, titleOf(file)]));
  });

  test.each(files)('%s has a decision, a reason and a consequence', file => {
    const parts = [...textOf(`docs/decisions/${file}`).matchAll(/^\*\*(.+)\.\*\* \S/gm)].map(([, part]) => part);
    expect(parts).toEqual(['Decision', 'Why', 'Consequence']);
  });
});

test('docs/reliability.md names tests that are there', () => {
  const reliability = textOf('docs/reliability.md');
  const named = [...reliability.matchAll(/`(test\/[\w./-]+\.ts)`/g)].map(([, path]) => path ?? '');
  expect(named.length).toBeGreaterThan(10);
  for (const path of named) expect([path, existsSync(pathTo(path))]).toEqual([path, true]);
});
