import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { isErrorCode } from '../lib/core/errors.ts';
import { providerFromData } from '../lib/definition/from-file.ts';
import { providers } from '../lib/providers/index.ts';
import { run } from '../local/provider/run.ts';
import { providerSchema, writtenSchema } from '../tools/provider-schema.ts';
import { runLaptop, temporaryFolder } from './support/laptop-process.ts';

const page = readFileSync(new URL('../docs/providers.md', import.meta.url), 'utf8');
const json = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) => JSON.parse(text));
const [nordlys, secret, ...parts] = json;
const rowsOf = (heading: string) =>
  page
    .slice(page.indexOf(`\n## ${heading}`))
    .split('\n')
    .filter(line => line.startsWith('| ['));

test('docs/provider.schema.json is that of the code: run `npm run schema`', () => {
  expect(writtenSchema()).toBe(providerSchema());
});

describe('docs/providers.md', () => {
  it('begins with a whole definition and its secret', () => {
    expect(providerFromData(nordlys).open(secret)).toMatchObject({ ok: true });
  });

  it.each(parts.map(part => [Object.keys(part).join(', '), part]))('has an example of %s that is one', (_, part) => {
    expect(providerFromData({ ...nordlys, ...part }).id).toBe('nordlys');
  });

  it('has an example of every part of the format', () => {
    const shape = Object.keys(JSON.parse(providerSchema()).properties);
    expect(shape.filter(name => !page.includes(name))).toEqual([]);
  });

  it('lists codes that there are', () => {
    const [, listed = ''] = /^Codes: (.*)$/m.exec(page) ?? [];
    const codes = [...listed.matchAll(/`(\w+)`/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(20);
    expect(codes.filter(code => !isErrorCode(code))).toEqual([]);
  });

  it('lists the six and the catalogue', () => {
    const ids = [...page.matchAll(/^\| \[`([\w-]+)`\]/gm)].map(([, id]) => id);
    expect(ids).toEqual(providers.map(({ id }) => id));
    const files = readdirSync(new URL('../catalogue', import.meta.url)).sort();
    const named = [...page.matchAll(/\]\(\.\.\/catalogue\/([\w-]+\.json)\)/g)].map(([, file]) => file);
    expect(named).toEqual(files);
    expect(rowsOf('The six').length).toBeGreaterThan(0);
  });

  it('leads to a refreshed token, as it is written', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'providers'));
    const file = join(folder, 'providers', 'nordlys.json');
    writeFileSync(file, JSON.stringify(nordlys));
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    expect(await run(['check', file], { result: say, problem: say })).toBe(0);
    expect(lines.join('\n')).toContain('POST https://id.nordlys.example/connect/token');
    const { stdout } = await runLaptop(['--once', '--providers', join(folder, 'providers')]);
    expect(stdout).toMatch(/nordlys\/example +healthy/);
  }, 60_000);
});
