import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providers } from '../../lib/providers/index.ts';
import { readSecretsFolder } from '../../local/secrets-folder.ts';
import { simulatedSecrets } from '../../local/simulators/accounts.ts';
import { UsageError } from '../../local/usage-error.ts';
import { temporaryFolder, writeSecrets } from '../kit/laptop-process.ts';

const good = simulatedSecrets('http://127.0.0.1:1');
const folderOf = (secrets: Readonly<Record<string, unknown>>): string => {
  const folder = temporaryFolder();
  writeSecrets(folder, secrets);
  return folder;
};
const complaintOf = async (folder: string): Promise<string> => {
  const error: unknown = await readSecretsFolder(folder).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UsageError);
  return error instanceof UsageError ? error.message : '';
};
const login = 'made-up';
const PLANTED = 'planted-value-0b1d';
const oneKey = { login, connections: { oslo: { password: login } } };

describe('a folder of secrets', () => {
  it('is read as it is written, by provider and name', async () => {
    const text = `{ "login": "${login}",\n  "password": "made-up" }\n`;
    const secrets = await readSecretsFolder(folderOf({ ...good, 'petrosoft/as.it_is-1': text }));
    expect([...secrets.keys()].toSorted()).toEqual([...Object.keys(good), 'petrosoft/as.it_is-1'].toSorted());
    expect(secrets.get('petrosoft/as.it_is-1')).toBe(text);
  });

  it('may hold other files too', async () => {
    const folder = folderOf({ 'petrosoft/acme': { login, password: login } });
    writeFileSync(join(folder, 'README.md'), 'notes');
    mkdirSync(join(folder, '.git'));
    writeFileSync(join(folder, 'petrosoft', 'notes.txt'), 'notes');
    mkdirSync(join(folder, 'ioffice'));
    expect([...(await readSecretsFolder(folder)).keys()]).toEqual(['petrosoft/acme']);
  });

  it.each<[string, Record<string, unknown>]>([
    ['two files', { 'petrosoft/nordic': oneKey, 'petrosoft/baltic': oneKey }],
    ['a file and a key', { 'petrosoft/nordic': oneKey, 'petrosoft/oslo': { login, password: login } }],
  ])('may have one name in %s: each file has its own connections', async (_, secrets) => {
    expect([...(await readSecretsFolder(folderOf(secrets))).keys()].toSorted()).toEqual(
      Object.keys(secrets).toSorted(),
    );
  });

  it('may be put together of links, as mounted secrets are', async () => {
    const elsewhere = folderOf({ 'petrosoft/acme': { login, password: login } });
    const folder = temporaryFolder();
    symlinkSync(join(elsewhere, 'petrosoft'), join(folder, 'petrosoft'));
    expect([...(await readSecretsFolder(folder)).keys()]).toEqual(['petrosoft/acme']);
  });
});

describe('a folder that cannot be used', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no JSON', { 'petrosoft/acme': `{"password":"${PLANTED}` }, /petrosoft\/acme\.json: .*not a JSON object/],
    ['an empty file', { 'petrosoft/acme': '' }, /not a JSON object/],
    ['a list', { 'petrosoft/acme': [PLANTED] }, /not a JSON object/],
    ['a text', { 'petrosoft/acme': `"${PLANTED}"` }, /not a JSON object/],
    ['nothing at all', { 'petrosoft/acme': 'null' }, /not a JSON object/],
    ['a missing field', { 'petrosoft/acme': { login: PLANTED } }, /acme\.json: "password" is missing/],
    ['an empty field', { 'petrosoft/acme': { login: PLANTED, password: '' } }, /"password" is empty/],
    ['a number as a field', { 'petrosoft/acme': { login: PLANTED, password: 7 } }, /"password" is not a text/],
    ['an unknown provider', { 'petro/acme': { login: PLANTED } }, /"petro" is not a provider.*petrosoft/],
    ['a bad name', { 'petrosoft/a b': { login, password: PLANTED } }, /a b\.json: .*name/],
    ['a name that is too long', { [`petrosoft/${'x'.repeat(101)}`]: { login, password: PLANTED } }, /name/],
    ['a name of dots', { 'petrosoft/.x': { login, password: PLANTED } }, /name/],
    [
      'connections that are a list',
      { 'petrosoft/acme': { login, connections: [PLANTED] } },
      /"connections" is not an object/,
    ],
    [
      'a connection that is a text',
      { 'petrosoft/acme': { login, connections: { oslo: PLANTED } } },
      /"oslo": .*JSON object/,
    ],
    [
      'a bad key',
      { 'petrosoft/acme': { login, connections: { [`${PLANTED} `]: {} } } },
      /key of "connections" is not a name/,
    ],
    [
      'a missing field of one of many',
      { 'petrosoft/acme': { login, connections: { oslo: { password: PLANTED }, bergen: {} } } },
      /in "connections", "bergen": "password" is missing/,
    ],
    [
      'http: in the open',
      { 'petrosoft/acme': { login, password: PLANTED, baseUrl: 'http://example.com' } },
      /"baseUrl" /,
    ],
  ])('because of %s says so in a sentence, without any value', async (_, secrets, about) => {
    const message = await complaintOf(folderOf(secrets));
    expect(message).toMatch(about);
    expect(message).not.toContain('\n');
    expect(message).not.toContain(PLANTED);
  });

  it('says all that is wrong at once, a sentence each', async () => {
    const message = await complaintOf(folderOf({ 'petrosoft/a': {}, 'nobody/b': {}, 'officernd/c': 'x' }));
    for (const about of ['a.json: "login"', 'a.json: "password"', '"nobody"', 'c.json: '])
      expect(message).toContain(about);
  });

  it('because it is not there, or is a file', async () => {
    expect(await complaintOf('/nowhere/at/all')).toMatch(/--secrets: \/nowhere\/at\/all cannot be read \(ENOENT\)/);
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, PLANTED);
    expect(await complaintOf(file)).toMatch(/cannot be read \(ENOTDIR\)/);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['a folder', path => mkdirSync(path), /acme\.json cannot be read \(not a file\)/],
    ['a pipe', path => execFileSync('mkfifo', [path]), /acme\.json cannot be read \(not a file\)/],
    ['a link to nothing', path => symlinkSync('/nowhere', path), /acme\.json cannot be read \(ENOENT\)/],
  ])('because %s is in the place of a file', async (_, make, about) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'petrosoft'));
    make(join(folder, 'petrosoft', 'acme.json'));
    expect(await complaintOf(folder)).toMatch(about);
  });

  it('never repeats a value, whatever the fields hold', async () => {
    const folder = temporaryFolder();
    const value = fc.oneof(
      fc.string({ unit: 'binary' }).map(text => `${PLANTED}${text}`),
      fc.array(fc.constant(PLANTED)),
      fc.record({ nested: fc.constant(PLANTED) }),
      fc.integer({ min: 1_000_000_000 }),
    );
    const fields = (provider: (typeof providers)[number]) => {
      const names = [...provider.fields.required, ...provider.fields.optional];
      return fc.record(Object.fromEntries(names.map(name => [name, value])), { requiredKeys: [] });
    };
    const secret = fc
      .constantFrom(...providers)
      .chain(provider =>
        fc
          .oneof(
            fields(provider),
            fc.record({ connections: fc.dictionary(fc.constantFrom('oslo', PLANTED.concat(' ')), fields(provider)) }),
          )
          .map(json => [provider.id, json] as const),
      );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(secret, async ([provider, json]) => {
        const own = join(folder, `run-${++runs}`);
        writeSecrets(own, { [`${provider}/acme`]: json });
        const message = await readSecretsFolder(own).then(
          () => '',
          (error: UsageError) => error.message,
        );
        expect(message).not.toContain(PLANTED);
        expect(message).not.toMatch(/\d{10}/);
      }),
      { numRuns: 200 },
    );
  });
});
