import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, expect, test } from 'vitest';
import { providerFromFile, TokenRefresher } from '../../infra/token-refresher.ts';
import { small } from '../definition/acme.ts';
import { textOf } from '../kit/repository.ts';

/** The code of the functions. */

const folder = mkdtempSync(join(tmpdir(), 'bundles-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const signing = {
  ...small,
  fields: { clientId: { purpose: 'the client id' }, key: { purpose: 'the private key', privateKey: true } },
  login: { url: '{base}/token', form: { client_id: '{clientId}', client_assertion: '{assertion}' } },
  assertion: { algorithm: 'RS256', key: 'key', claims: { iss: '{clientId}' } },
};

/** The hash and the files of each function, by its place in the construct. */
const deployedWith = (definition: unknown) => {
  const outdir = mkdtempSync(join(folder, 'out-'));
  const file = join(outdir, 'acme.json');
  writeFileSync(file, JSON.stringify(definition));
  const app = new App({ outdir, context: { 'aws:cdk:enable-asset-metadata': true } });
  const stack = new Stack(app, 'Mine');
  new TokenRefresher(stack, 'Tokens', { providers: { acme: providerFromFile(file), powerepos: {} } });
  app.synth();
  return new Map(
    [...assetsOf(outdir)].map(([id, asset]) => {
      const names = readdirSync(join(outdir, asset)).sort();
      const files = names.map(name => [name, readFileSync(join(outdir, asset, name), 'utf8')] as const);
      return [id.replace(/^Tokens|Function.*$/g, ''), { asset, files: Object.fromEntries(files) }];
    }),
  );
};
const assetsOf = (outdir: string): Map<string, string> => {
  const { Resources } = JSON.parse(readFileSync(join(outdir, 'Mine.template.json'), 'utf8'));
  const found = Object.entries<{ Type: string; Metadata: Record<string, string> }>(Resources);
  const functions = found.filter(([, { Type }]) => Type === 'AWS::Lambda::Function');
  return new Map(functions.map(([id, { Metadata }]) => [id, Metadata['aws:asset:path'] ?? '']));
};

test('a function has one file of code, and that of a provider the definition too', () => {
  const functions = deployedWith(small);
  const names = [...functions].map(([id, { files }]) => [id, Object.keys(files)]);
  expect(Object.fromEntries(names)).toEqual({
    Refreshacme: ['definition.json', 'index.js'],
    Refreshpowerepos: ['definition.json', 'index.js'],
    WatchWatch: ['index.js'],
    ApiApi: ['index.js'],
  });
  const definition = functions.get('Refreshacme')?.files['definition.json'] ?? '';
  expect(JSON.parse(definition)).toMatchObject({ definition: { id: 'acme', base: small.base } });
  for (const { files } of functions.values()) expect(files['index.js']).not.toContain('sourceMappingURL');
});

test('another definition changes the code of its function alone', () => {
  const before = deployedWith(small);
  const after = deployedWith({ ...small, base: 'https://login.acme.test/v2' });
  const changed = [...before].filter(([id, { asset }]) => after.get(id)?.asset !== asset).map(([id]) => id);
  expect(changed).toEqual(['Refreshacme']);
});

test('only a function that signs has what signs', () => {
  const functions = deployedWith(signing);
  expect(functions.get('Refreshacme')?.files['jose.js']).toContain('JWSInvalid');
  for (const { files } of functions.values()) expect(files['index.js']).not.toContain('JWSInvalid');
});

test('its source map finds the source', () => {
  const payload = JSON.parse(textOf('dist/source-maps/watch.js.map'));
  const sources: string[] = payload.sources;
  expect(sources.some(source => source.endsWith('functions/watch/handler.ts'))).toBe(true);
  expect(new SourceMap(payload).findEntry(20, 0)).toHaveProperty('originalSource');
});

test('the licenses of the packages in it are in the package', () => {
  const text = textOf('dist/functions/LICENSES.txt');
  for (const name of ['@middy/core', '@aws-sdk/client-dynamodb', 'zod', 'jose']) expect(text).toContain(`${name} `);
});
