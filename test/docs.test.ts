import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { problemCodes } from '../lib/api/answers.ts';
import { type ErrorCode, errorCodes, isErrorCode } from '../lib/core/errors.ts';
import type { News } from '../lib/core/news.ts';
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
import { mailOf } from '../lib/observe/mail.ts';
import { metrics } from '../lib/observe/metrics.ts';
import { providers } from '../lib/providers/index.ts';
import { parseOptions, usage } from '../local/options.ts';
import { connectionOf, idOf, START } from './kit/records.ts';

const pathTo = (file: string) => new URL(`../${file}`, import.meta.url);
const textOf = (file: string) => readFileSync(pathTo(file), 'utf8');
const readme = textOf('README.md');
const laptop = textOf('docs/laptop.md');
const secrets = textOf('docs/secrets.md');
const api = textOf('docs/api.md');
const architecture = textOf('docs/architecture.md');

const rowsOf = (page: string) => page.split('\n').filter(line => line.startsWith('| `'));
const cells = (row: string) => row.split('|').map(cell => cell.trim());
const codesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
const snippets = (page: string, language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '');
const rowOf = (page: string, id: string) => cells(rowsOf(page).find(each => each.startsWith(`| \`${id}\``)) ?? '');

/** How long tokens of a provider are valid, as pages write it: "10 min" or "8 h". */
const lifetimeIn = (text: string): number => {
  const [, count, unit] = /^(\d+) (min|h)$/.exec(text) ?? [];
  return unit === 'h' ? hours(Number(count)) : minutes(Number(count));
};
const tokenFields = [
  'connection',
  'accessToken',
  'tokenType',
  'issuedAt',
  'expiresAt',
  'expiresIn',
  'headers',
  'baseUrl',
];

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

describe('docs/api.md', () => {
  test('explains every error code once', () => {
    const [, table = ''] = /\n## Every error code\n([\s\S]*)/.exec(api) ?? [];
    const rows = rowsOf(table).map(cells);
    const codes = rows.map(([, code = '']) => codesIn(code)[0]);
    expect(codes.toSorted()).toEqual([...new Set([...problemCodes, ...errorCodes])].toSorted());
    for (const [, code, from, means, next] of rows) {
      expect([code, from !== '', means !== '', next !== '']).toEqual([code, true, true, true]);
    }
    for (const [, code = '', from = ''] of rows) {
      const isProblem = problemCodes.some(each => each === codesIn(code)[0]);
      expect([code, /^\d{3}/.test(from)]).toEqual([code, isProblem]);
    }
  });

  test('has a section for each route, which the API and the gateway know', () => {
    const sections = [...api.matchAll(/^## `([A-Z]+) (\/.*)`$/gm)].map(([, method, path]) => `${method} ${path}`);
    const keys = [...textOf('infra/api.ts').matchAll(/HttpRouteKey\.with\('(.+)', HttpMethod\.(\w+)\)/g)];
    const atGateway = keys.map(
      ([, path = '', method]) => `${method} ${path.replace(/\{provider\}.*/, '{connection}')}`,
    );
    expect(sections.toSorted()).toEqual([...new Set(atGateway)].toSorted());
    const leadTo = [...textOf('lib/api/route.ts').matchAll(/readonly to: '(\w+)'/g)].map(([, to]) => to);
    expect(leadTo.length, 'infra/api.ts and docs/api.md need each route of lib/api/route.ts').toBe(sections.length);
  });

  test('has an answer with a token', () => {
    expect(Object.keys(JSON.parse(snippets(api, 'json')[0] ?? ''))).toEqual(tokenFields);
  });

  test('has only codes that need attention for which the runbook and the mails have advice', () => {
    const [, table = ''] = api.split('\n## Every error code\n');
    const [, attention = ''] = textOf('docs/runbook.md').split('\n## attention\n');
    const advised = rowsOf(attention.split('\n## ')[0] ?? '').flatMap(row => codesIn(cells(row)[1] ?? ''));
    const needing = rowsOf(table)
      .map(cells)
      .filter(([, , , , next = '']) => /(?:^|: )attention\b/.test(next))
      .flatMap(([, code = '']) => codesIn(code));
    expect(needing.length).toBeGreaterThan(15);
    expect(needing.filter(code => !advised.includes(code))).toEqual([]);
    const mailAbout = (code: ErrorCode) => {
      const record = connectionOf(idOf('acme'), { lastError: { code, at: START, since: START, times: 1 } });
      const news: News = { record, fresh: [{ kind: 'attention', at: START }], troubles: [] };
      return mailOf(news, { name: 'any', runbook: 'https://example.com' }, START).text;
    };
    for (const code of needing.filter(isErrorCode)) expect(mailAbout(code)).not.toContain('Look up the code');
  });

  test('says what a minTtl can ask for', () => {
    const inMinutes = ['poweroffice-v2', 'poweroffice-v1'].map(id => {
      const provider = providers.find(each => each.id === id);
      if (!provider) throw new Error(`${id} is a provider`);
      return Number((promised({ ...policy, tick: tickOf(provider) }, provider.lifetime) / minutes(1)).toFixed(6));
    });
    const figures = /That is ([\d.]+) minutes of a token of 20, and ([\d.]+) of a token of 10\./.exec(api) ?? [];
    expect(figures.slice(1).map(Number)).toEqual(inMinutes);
  });
});

test('docs/deploy.md has every metric', () => {
  const [, table = ''] = textOf('docs/deploy.md').split('\n## Metrics\n');
  const named = rowsOf(table.split('\n## ')[0] ?? '').flatMap(row => codesIn(cells(row)[1] ?? ''));
  expect(named.toSorted()).toEqual(Object.values(metrics).toSorted());
});

describe('CONTRIBUTING.md', () => {
  const contributing = textOf('CONTRIBUTING.md');

  test('names files that are there', () => {
    const paths = codesIn(contributing.replace(/^```[\s\S]*?^```$/gm, '')).filter(code =>
      /^[\w.]+(\/[\w.<>-]+)*(\/|\.(ts|md|json|sh))$/.test(code),
    );
    expect(paths.length).toBeGreaterThan(30);
    // A provider and a file of a folder stand for any.
    const isExample = (path: string) =>
      path === 'providers/<id>.json' || /^(secret|requests|token|published|errors|code)\.json$/.test(path);
    for (const path of paths.filter(each => !isExample(each))) {
      const file = path.replaceAll('<id>', 'petrosoft');
      expect([path, existsSync(pathTo(file))]).toEqual([path, true]);
    }
  });

  test('names scripts that are there', () => {
    const { scripts } = JSON.parse(textOf('package.json'));
    const named = [...contributing.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script ?? '');
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(script => !(script in scripts))).toEqual([]);
  });

  test('has the steps of .ci/run', () => {
    const steps = [...textOf('.ci/run').matchAll(/^step '([^']+)'/gm)].map(([, step = '']) => step);
    expect(steps.length).toBeGreaterThan(8);
    const [, table = ''] = /\n\| step \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(contributing) ?? [];
    const inPage = new Map([
      ['lint', 'npm run lint'],
      ['types', 'npm run types'],
      ['cdk synth', 'npx cdk synth'],
      ['deploy, and a full cycle of the deployed bundles', 'test/deployed/run.ts'],
    ]);
    for (const step of steps) expect(table).toContain(inPage.get(step) ?? step);
  });
});

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
    const [, folders = ''] = architecture.split('\n## Folders\n');
    const named = rowsOf(folders.split('\n## ')[0] ?? '').flatMap(row => codesIn(cells(row)[1] ?? ''));
    expect([...top, ...inLib].filter(folder => !named.includes(folder))).toEqual([]);
    for (const path of named) expect([path, existsSync(pathTo(path))]).toEqual([path, true]);
  });
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
