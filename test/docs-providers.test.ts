import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerCodes } from '../lib/core/errors.ts';
import { epochMs } from '../lib/core/types.ts';
import { providerFromData } from '../lib/definition/from-file.ts';
import { providers } from '../lib/providers/index.ts';
import { runProviderCommand } from '../local/provider/run.ts';
import { startSimulators } from '../local/simulators/server.ts';
import { providerSchema } from '../tools/provider-schema.ts';
import { runLaptop, temporaryFolder } from './kit/laptop-process.ts';
import { codesIn } from './kit/pages.ts';
import { textOf } from './kit/repository.ts';

const CATALOGUE = new URL('../catalogue/', import.meta.url);
const page = textOf('docs/providers.md');
const json = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) => JSON.parse(text));
const [nordlys, secret, ...examples] = json;
const [whole, parts] = [examples.filter(each => each.id), examples.filter(each => !each.id)];
/** The text after a heading, up to the next one. */
const section = (heading: string): string => page.split(`\n${heading}`)[1]?.split(/\n##/)[0] ?? expect.fail(heading);
const rowIn = (text: string, name: string) => text.split('\n').find(line => line.startsWith(`| ${name} |`)) ?? '';

describe('docs/providers.md', () => {
  it('begins with a whole definition and its secret', () => {
    expect(providerFromData(nordlys).open(secret)).toMatchObject({ ok: true });
  });

  it.each(parts.map(part => [Object.keys(part).join(', '), part]))('has an example of %s that is one', (_, part) => {
    expect(providerFromData({ ...nordlys, ...part }).id).toBe('nordlys');
  });

  it('has an example of every part of the format', () => {
    const shape = Object.keys(providerSchema().properties ?? {});
    expect(shape.filter(name => !page.includes(name))).toEqual([]);
  });

  it('explains every code that an answer can have', () => {
    const rows = [...section('### Errors').matchAll(/^\| `(\w+)` \| .+ \|$/gm)];
    expect(rows.map(([, code]) => code)).toEqual([...answerCodes]);
  });

  it.each(whole.map(each => [each.id, each]))('has the whole definition of %s', (id, each) => {
    expect(providerFromData(each).id).toBe(id);
  });

  const messages = section('## Messages about wrong definitions')
    .split('\n')
    .flatMap(line => {
      const [, part = '', sentence = ''] = /^\| `(\{.*\})` \| `(.*)` \|$/.exec(line) ?? [];
      return part === '' ? [] : [[part, sentence] as const];
    });
  it.each(messages)('%s is refused with the documented sentence', (part, sentence) => {
    expect(() => providerFromData({ ...nordlys, ...JSON.parse(part) })).toThrow(sentence);
  });
  it('has such examples', () => expect(messages.length).toBeGreaterThan(10));

  it.each(providers.map(provider => [provider.id, provider] as const))(
    'says of %s what it is asked',
    (id, provider) => {
      const { definition, title, fields } = provider;
      const text = section(`### \`${id}\`: ${title}\n`);
      const named = codesIn(rowIn(text, 'secret')).filter(name => name !== 'baseUrl');
      const own = [...fields.required, ...fields.optional].filter(name => !['baseUrl', 'apiBaseUrl'].includes(name));
      expect(named.toSorted()).toEqual(own.toSorted());
      const { base, login, refresh, consumer } = definition;
      const addresses = typeof base === 'string' ? [base] : 'of' in base ? Object.values(base.of) : ['`baseUrl`'];
      for (const address of addresses) expect(rowIn(text, 'address')).toContain(address);
      for (const { method, url, headers, form = {}, json: body = {} } of login) {
        const row = rowIn(text, 'login');
        expect(row).toContain(`\`${method} ${url.replace('{base}', '')}\``);
        for (const name of Object.keys({ ...headers, ...form, ...body }).filter(each => each !== 'Content-Type')) {
          expect(row).toContain(name);
        }
      }
      expect(rowIn(text, 'refresh') !== '').toBe(refresh !== undefined);
      for (const name of Object.keys(consumer.headers)) expect(rowIn(text, 'consumers')).toContain(name);
      const unit = provider.expiresIn === 'milliseconds' ? '**milliseconds**' : 'in seconds';
      expect(rowIn(text, 'answer')).toContain(unit);
    },
  );

  it('lists the catalogue as it is', () => {
    const rows = [...section('## The catalogue').matchAll(/^\| \[(.+)\]\(\.\.\/catalogue\/(.+)\) \|(.*)\|$/gm)];
    expect(rows.map(([, , file]) => file)).toEqual(readdirSync(CATALOGUE).sort());
    for (const [, title, file = '', others = ''] of rows) {
      const { definition, fields } = providerFromData(JSON.parse(readFileSync(new URL(file, CATALOGUE), 'utf8')));
      const [how = '', lifetime = '', tokens, names = ''] = others.split('|').map(cell => cell.trim());
      const hours = definition.lifetime / 3_600_000;
      expect([title, lifetime]).toEqual([
        definition.title,
        hours < 1 ? `${hours * 60}m` : hours > 24 ? `${hours / 24}d` : `${hours}h`,
      ]);
      const fixed = 'refreshToken' in definition.fields ? 'always the same' : 'none';
      expect(tokens).toBe(definition.refresh ? 'a new one each time' : fixed);
      expect(how.includes('signed JWT')).toBe(definition.assertion !== undefined);
      expect(how.includes('used once')).toBe(definition.redeem !== undefined);
      const optional = [...names.matchAll(/\[`(\w+)`\]/g)].map(([, name]) => name);
      const all = [...fields.required, ...fields.optional].filter(name => name !== 'apiBaseUrl');
      const own = all.filter(name => name !== 'baseUrl' || fields.required.includes(name));
      expect(codesIn(names).toSorted()).toEqual(own.toSorted());
      expect(optional.toSorted()).toEqual(own.filter(name => fields.optional.includes(name)).toSorted());
    }
  });

  it('leads to a refreshed token, as it is written', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'providers'));
    const file = join(folder, 'providers', 'nordlys.json');
    writeFileSync(file, JSON.stringify(nordlys));
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    expect(await runProviderCommand(['check', file], { result: say, problem: say })).toBe(0);
    expect(lines.join('\n')).toContain('POST https://id.nordlys.example/connect/token');
    const provider = providerFromData(nordlys);
    const account = { provider: 'nordlys', name: 'acme', fields: secret };
    const place = { now: () => epochMs(Date.now()), scale: 1, random: Math.random };
    const simulators = await startSimulators({ ...place, accounts: [account], defined: [provider] });
    onTestFinished(() => simulators.close());
    const secretFile = join(folder, 'nordlys-secret.json');
    writeFileSync(secretFile, JSON.stringify({ ...secret, baseUrl: `${simulators.url}/nordlys` }));
    expect(await runProviderCommand(['check', file, '--secret', secretFile], { result: say, problem: say })).toBe(0);
    expect(lines.join('\n')).toMatch(/Login: granted\.\n {2}token valid until .* \(30m00s\)/);
    const { stdout } = await runLaptop(['--once', '--providers', join(folder, 'providers')]);
    expect(stdout).toMatch(/nordlys\/example +healthy/);
  }, 60_000);
});
