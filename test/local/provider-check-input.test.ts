import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { providerUsage } from '../../local/provider/run.ts';
import { acme, checked, expectNothingPlanted, plantedLogin, writtenFile } from './provider-command.ts';

describe('bad input ends with 2', () => {
  it('a wrong definition, with a line for each fault', async () => {
    const file = writtenFile('acme.json', { ...acme, lifetime: 20, bas: 1, sessionOf: [] });
    const { code, out, problems } = await checked(file);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(problems.split('\n')).toHaveLength(3);
    for (const line of problems.split('\n')) expect(line.startsWith(`${file}: `)).toBe(true);
  });

  it.each<[string, unknown, RegExp]>([
    ['a missing field', { clientId: plantedLogin.clientId }, /"clientSecret" is missing/],
    ['a misspelled field', { tenant: 'o', ...plantedLogin, regio: plantedLogin.clientId }, /did you mean "region"\?$/],
    [
      'an unknown word',
      { tenant: 'o', ...plantedLogin, region: plantedLogin.clientSecret },
      /"region" is neither "eu" nor "us"/,
    ],
    ['no JSON', `{"clientSecret": "${plantedLogin.clientSecret}"`, /not a JSON object/],
    ['no object', [plantedLogin], /not a JSON object/],
    ['no connection', { ...plantedLogin, connections: plantedLogin.clientId }, /--key \(it has none\)/],
  ])('in a secret: %s', async (_, secret, words) => {
    const { problems, ...ended } = await checked(
      writtenFile('acme.json', acme),
      '--secret',
      writtenFile('s.json', secret),
    );
    expect(ended).toEqual({ code: 2, out: '' });
    expect(problems).toMatch(words);
    expectNothingPlanted(problems);
  });

  it.each<[string[], RegExp]>([
    [[], /^Give the file of a definition/],
    [['a.json', 'b.json'], /^Give the file of a definition/],
    [['a.json', '--bogus'], /^Unknown option '--bogus'/],
    [['a.json', '--key', 'x'], /^--key needs --secret/],
    [['/nowhere.json'], /cannot be read \(ENOENT\)/],
  ])('in the command line: %j', async (args, words) => {
    const { problems, ...ended } = await checked(...args);
    expect(ended).toEqual({ code: 2, out: '' });
    expect(problems).toMatch(words);
  });

  it('as a process, too; and --help says what there is', () => {
    const spawned = (...args: string[]) =>
      spawnSync(process.execPath, ['local/provider/main.ts', ...args], {
        cwd: join(import.meta.dirname, '../..'),
        encoding: 'utf8',
      });
    expect(spawned('check', '/nowhere.json')).toMatchObject({ status: 2, stdout: '' });
    expect(spawned('--help')).toMatchObject({ status: 0, stdout: `${providerUsage}\n`, stderr: '' });
  });
});
