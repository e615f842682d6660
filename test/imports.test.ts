import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { providerIds } from '../lib/providers/index.ts';
import { textOf } from './kit/repository.ts';

/** The allowed imports: they point inward, to a core that depends on nothing outside. */

const root = join(import.meta.dirname, '..');
const skipped = new Set(['node_modules', 'cdk.out', '.git', 'coverage', 'dist']);

const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesBelow(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
const existing = new Set(readdirSync(root));
const sourcesOf = (...folders: string[]): string[] =>
  folders.filter(folder => existing.has(folder.split('/')[0] ?? '')).flatMap(filesBelow);

/** Ignores comments and texts; only the specifier of an import is kept. */
const withoutComments = (source: string): string =>
  source.replace(/\/\*[\s\S]*?\*\/|(^|[^:'"`\\])\/\/[^\n]*/g, (_, before: string | undefined) => before ?? '');

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const STATIC = /^\s*(?:import|export)\s+(type\s+)?(?:[\w*\s{},$]*?\sfrom\s*)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\b(?:import|require)\s*\(\s*['"`]([^'"`]+)['"`]/g;
const importsIn = (source: string): Import[] => {
  const code = withoutComments(source);
  const named = [...code.matchAll(STATIC)].map(([, type, specifier = '']) => ({ specifier, typeOnly: !!type }));
  const called = [...code.matchAll(DYNAMIC)].map(([, specifier = '']) => ({ specifier, typeOnly: false }));
  return [...named, ...called];
};
/** Our own files by path, everything else by name. */
const importsOf = (file: string): Import[] =>
  importsIn(textOf(file)).map(({ specifier, typeOnly }) => ({
    typeOnly,
    specifier: specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : specifier,
  }));

type Allowed = readonly RegExp[];
/** `types`: imports that the compiler removes. */
const expectOnly = (folder: string, all: Allowed, types: Allowed = [], isMeant = (_file: string) => true): void => {
  const strays = sourcesOf(folder)
    .filter(isMeant)
    .flatMap(file =>
      importsOf(file)
        .filter(({ specifier, typeOnly }) => ![...all, ...(typeOnly ? types : [])].some(rule => rule.test(specifier)))
        .map(({ specifier }) => `${file} imports ${specifier}`),
    );
  expect(strays).toEqual([]);
};
const core = /^lib\/core\//;
/** Ports, and helpers that go through all connections. */
const shared = /^lib\/(ports|pool|listing)\.ts$/;
const refresh = /^lib\/refresh\//;
const events = /^lib\/events\.ts$/;
const node = /^node:/;
const powertools = /^@aws-lambda-powertools\//;
const middy = /^@middy\//;
const zod = /^zod$/;

describe('the reader of imports', () => {
  it.each<[string, string[]]>([
    ["import a from './a.ts';", ['./a.ts']],
    ["import type { A } from './a.ts';", ['./a.ts']],
    ["import {\n  a,\n  type B as C,\n} from './a.ts';", ['./a.ts']],
    ["import * as a from 'a';\nimport 'b';", ['a', 'b']],
    [
      "export * from './a.ts';\nexport { b } from './b.ts';\nexport type { C } from './c.ts';",
      ['./a.ts', './b.ts', './c.ts'],
    ],
    ["export const from = 'x';\nconst text = 'import y';", []],
    ["// import a from 'a';\n/* import b from 'b';\n */", []],
    ["const a = await import('a');\nconst b = require('b');", ['a', 'b']],
    ["const url = 'https://a.test'; // see\nimport a from 'a';", ['a']],
  ])('reads %j', (source, specifiers) => {
    expect(importsIn(source).map(({ specifier }) => specifier)).toEqual(specifiers);
  });

  it('finds something in every folder', () => {
    for (const folder of ['core', 'definition', 'providers', 'refresh', 'discovery', 'api', 'http', 'aws', 'observe']) {
      const all = sourcesOf(`lib/${folder}`).flatMap(importsOf);
      expect(all.length, folder).toBeGreaterThan(1);
      for (const { specifier } of all.filter(each => each.specifier.startsWith('lib/'))) {
        expect(() => textOf(specifier), specifier).not.toThrow();
      }
    }
  });
});

it('the core imports itself and hashes, and nothing else', () => expectOnly('lib/core', [core, /^node:crypto$/]));

it('definitions import the core, each other, zod, hashes and keys, and the distance of words', () =>
  expectOnly('lib/definition', [core, /^lib\/definition\//, zod, /^node:crypto$/, /^fastest-levenshtein$/]));

const simulator = /^lib\/providers\/[a-z0-9-]+\/simulator\.ts$/;

it('providers are data, which become providers in one place', () =>
  expectOnly(
    'lib/providers',
    [
      /^lib\/definition\/(from-file|provider)\.ts$/,
      /^lib\/providers\/definitions\.ts$/,
      /^lib\/providers\/[a-z0-9-]+\/definition\.json$/,
    ],
    [core],
    file => !simulator.test(file),
  ));

it('the simulator of a provider imports the core and what simulators have in common, and no code imports it', () => {
  const ofSimulators = /^local\/simulators\/(accounts|kit|wire)\.ts$/;
  expectOnly('lib/providers', [core, ofSimulators], [], file => simulator.test(file));
  const importers = sourcesOf('lib', 'functions', 'infra').filter(file =>
    importsOf(file).some(({ specifier }) => simulator.test(specifier)),
  );
  expect(importers).toEqual([]);
});

it('refreshing imports the core, the ports and itself', () => expectOnly('lib/refresh', [core, shared, refresh]));

it('discovery imports the core, the ports, the events and itself', () =>
  expectOnly('lib/discovery', [core, shared, events, /^lib\/discovery\//]));

it('ports and events import the core, and types of what a run reports', () => {
  for (const file of ['ports', 'pool', 'listing', 'events']) {
    const strays = importsOf(`lib/${file}.ts`).filter(
      ({ specifier, typeOnly }) => ![core, shared, ...(typeOnly ? [refresh] : [])].some(rule => rule.test(specifier)),
    );
    expect(strays, file).toEqual([]);
  }
});

it('the API has the types of its answers, and builds their schemas for docs/openapi.json alone', () =>
  expectOnly('lib/api', [/^(?!lib\/api\/answers\.ts$)/], [/./], file => file !== 'lib/api/answers.ts'));

it('the API imports the core, itself, zod and types of refreshing', () =>
  expectOnly('lib/api', [core, /^lib\/api\//, zod], [shared, refresh]));

it('HTTP imports node, what signs, times, and types of the core and the ports', () =>
  expectOnly('lib/http', [node, /^lib\/http\//, /^jose$/, /^lib\/core\/types\.ts$/], [core, shared]));

it('the AWS adapters import the core, the ports, the SDK and zod', () =>
  expectOnly(
    'lib/aws',
    [core, /^lib\/aws\//, events, /^@aws-sdk\//, zod],
    [shared, /^lib\/refresh\/demand\.ts$/, /^@smithy\//, /^node:http$/],
  ));

it('what observes imports the core, what is reported, powertools and types of middy', () =>
  expectOnly(
    'lib/observe',
    [core, events, /^lib\/observe\//, powertools],
    [shared, refresh, /^lib\/discovery\//, middy],
  ));

/** The SDK is loaded by the first read that needs it: the client's only library is the signer. */
it('what consumers import is small: a signer, and of the product names, codes and JSON', () => {
  const light = /^lib\/core\/(errors|hosts|json|types)\.ts$/;
  const lazily = /^@aws-sdk\/(client-dynamodb|credential-provider-node)$/;
  expectOnly('lib/client', [light, /^lib\/client\//, /^lib\/aws\/failure\.ts$/, /^aws4fetch$/, lazily]);
  for (const file of [
    ...sourcesOf('lib/client'),
    ...['errors', 'hosts', 'json', 'types'].map(each => `lib/core/${each}.ts`),
  ]) {
    expect(textOf(file), file).not.toMatch(/^import (?!type).*'@aws-sdk\//m);
  }
  const ofLight = ['core/errors', 'core/hosts', 'core/json', 'core/types', 'aws/failure'].flatMap(each =>
    importsOf(`lib/${each}.ts`),
  );
  expect(ofLight.filter(({ typeOnly }) => !typeOnly).map(({ specifier }) => specifier)).toEqual(['lib/core/errors.ts']);
});

it('functions import the library, themselves, their definition, middy, powertools and zod', () =>
  expectOnly(
    'functions',
    [/^(lib|functions)\//, /^#definition$/, middy, powertools, zod, /^node:crypto$/],
    [/^aws-lambda$/, /^@aws-sdk\//],
  ));

it('nothing but the laptop and the tests imports the laptop or the tests', () => {
  for (const file of sourcesOf('lib', 'functions', 'infra', 'cli').filter(each => !simulator.test(each))) {
    for (const { specifier } of importsOf(file)) expect(`${file}: ${specifier}`).not.toMatch(/: (local|test)\//);
  }
});

it('only the tests import the evaluator of policies, whose license is the AGPL', () => {
  const shipped = sourcesOf('lib', 'functions', 'infra', 'cli', 'local', 'examples').flatMap(importsOf);
  expect(shipped.filter(({ specifier }) => specifier.startsWith('@cloud-copilot/'))).toEqual([]);
});

it('no provider has its name in the core, in what refreshes and discovers, the API, the adapters, the functions or the infrastructure', () => {
  const named = sourcesOf(
    'lib/core',
    'lib/refresh',
    'lib/discovery',
    'lib/api',
    'lib/aws',
    'lib/http',
    'lib/observe',
    'functions',
    'infra',
  ).filter(file => {
    const code = withoutComments(textOf(file));
    return providerIds.some(id => new RegExp(`\\b${id}\\b`, 'i').test(code));
  });
  expect(named).toEqual([]);
});

it.each([
  ['the time', /\bDate\.now\b|\bnew Date\(\)|\bperformance\b/],
  ['chance', /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/],
  ['the environment', /\bprocess\b/],
  ['the network', /(?<![\w#.])fetch\s*\(|\bXMLHttpRequest\b|\bWebSocket\b/],
  ['a timer', /\bset(Timeout|Interval|Immediate)\b/],
  ['a console', /\bconsole\b/],
])(
  'neither the core, nor the providers, nor what refreshes and discovers knows %s but from its arguments',
  (_, world) => {
    const knowing = sourcesOf('lib/core', 'lib/definition', 'lib/providers', 'lib/refresh', 'lib/discovery').filter(
      file => world.test(withoutComments(textOf(file))),
    );
    expect(knowing).toEqual([]);
  },
);

it('only the composition of functions, the infrastructure’s entry, the client’s entry and the laptop read the environment', () => {
  const readers = sourcesOf('lib', 'functions', 'infra').filter(file =>
    /\bprocess\.env\b/.test(withoutComments(textOf(file))),
  );
  expect(
    readers.filter(
      file => !/^functions\/[\w-]+\/index\.ts$|^infra\/(app|bin)[\w-]*\.ts$|^lib\/client\/index\.ts$/.test(file),
    ),
  ).toEqual([]);
});
