import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { afterAll, describe, expect, test } from 'vitest';
import { plansOf } from '../../infra/options.ts';
import { settingsOf } from '../../infra/settings.ts';
import { providerFromFile, SettingsError, TokenRefresher } from '../../infra/token-refresher.ts';
import { providersInFolder } from '../../lib/definition-files.ts';
import { small } from '../definition/acme.ts';
import { newApp, ofType, resourcesOf } from './template.ts';

/** Providers that are not built in: each needs only a file. */

const folder = mkdtempSync(join(tmpdir(), 'own-provider-'));
afterAll(() => rmSync(folder, { recursive: true }));

const acme = { ...small, title: 'Acme – Økonomi 日本' };
const written = (name: string, content: unknown) => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

describe('in an app of one’s own', () => {
  test('it gets a function, a role and a schedule', () => {
    const stack = new Stack(newApp(), 'Mine');
    const definition = providerFromFile(written('acme.json', acme));
    const tokens = new TokenRefresher(stack, 'Tokens', { providers: { officernd: {}, acme: { ...definition } } });
    const resources = resourcesOf(stack);
    const functions = ofType(resources, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties.Description);
    expect(functions).toContain('Refreshes the tokens of Acme ? Økonomi ??');
    expect(Object.keys(tokens.refreshFunctions)).toEqual(['officernd', 'acme']);
    const roles = ofType(resources, 'AWS::IAM::Role').flatMap(([, { Properties }]) => Properties.Description ?? []);
    expect(roles.filter(text => !/^[\u0020-\u007e\u00a1-\u00ff]+$/.test(String(text)))).toEqual([]);
    expect(ofType(resources, 'AWS::Scheduler::Schedule')).toHaveLength(3);
  });

  test.each<[string, unknown, string]>([
    ['acme', { ...acme, lifetime: 30 }, 'acme.json: "lifetime" must be a text.'],
    ['acme', '{', 'acme.json: The file is not JSON: see line 1, column 2.'],
    ['other', acme, '"providers.other" must be a definition with the "id" "other", got "acme".'],
    [
      'officernd',
      { ...acme, id: 'officernd' },
      '"officernd" is a built-in provider: give your definition another "id".',
    ],
  ])('under the name %s, %j is refused with a sentence', (id, content, sentence) => {
    const read = () => plansOf({ [id]: providerFromFile(written('acme.json', content)) });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(sentence);
  });

  test('a file that is not there is refused with a sentence', () => {
    expect(() => providerFromFile(join(folder, 'nothing.json'))).toThrow(
      'nothing.json: The file cannot be read (ENOENT).',
    );
  });

  test('there are at most as many as the environment of the API holds', () => {
    const many = Object.fromEntries(
      Array.from({ length: 26 }, (_, n) => [`a${n}`, providerFromFile(written('a.json', { ...acme, id: `a${n}` }))]),
    );
    expect(() => plansOf(many)).toThrow('"providers" must be 1 to 25 of ');
  });
});

describe('in the folder "providers"', () => {
  /** A folder with `providers` in it. */
  const projectWith = (files: Readonly<Record<string, unknown>>) => {
    const project = mkdtempSync(join(folder, 'project-'));
    mkdirSync(join(project, 'providers'));
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(project, 'providers', name), JSON.stringify(content));
    }
    return project;
  };
  const ownOf = (project: string) => providersInFolder(join(project, 'providers'));

  test('it is served with those of the package, and has settings like them', () => {
    const own = ownOf(projectWith({ 'acme.json': acme }));
    const { providers = {} } = settingsOf({ 'acme.tick': '2' }, own);
    expect(Object.keys(providers)).toContain('officernd');
    expect(plansOf(providers).at(-1)).toMatchObject({ provider: { id: 'acme' }, pace: { tick: 120_000 } });
    expect(Object.keys(settingsOf({ providers: 'acme' }, own).providers ?? {})).toEqual(['acme']);
    expect(() => settingsOf({ 'acme.tik': '2' }, own)).toThrow('"acme.tick" must be spelled like this');
  });

  test('its id is the name of its file', () => {
    expect(() => ownOf(projectWith({ 'other.json': acme }))).toThrow(
      'other.json: "id" must be the name of the file, got "acme".',
    );
  });

  test('a wrong one ends the synthesis of the app with its sentences', () => {
    const cwd = projectWith({ 'acme.json': { ...acme, base: 'http://x', lifetme: '1h' } });
    const app = join(import.meta.dirname, '../../infra/app.ts');
    const { status, stderr } = spawnSync(process.execPath, [app], { cwd, encoding: 'utf8', env: { HOME: cwd } });
    expect(stderr).toMatch(
      /^token-refresher: .*acme\.json: "lifetme" is not a part of a definition: did you mean "lifetime"\?\n$/,
    );
    expect(status).toBe(1);
  });
});
