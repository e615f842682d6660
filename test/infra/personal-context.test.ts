import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { contextFiles, withoutPersonal } from '../../infra/personal-context.ts';

const root = new URL('../..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'personal-context-'));
afterAll(() => rmSync(folder, { recursive: true }));

const filesWith = (project: unknown, personal: unknown) => {
  writeFileSync(join(folder, 'cdk.json'), JSON.stringify(project));
  writeFileSync(join(folder, '.cdk.json'), JSON.stringify(personal));
  return contextFiles(folder, folder);
};

test('what comes from ~/.cdk.json alone is left out', () => {
  const files = filesWith(
    { context: { dashboard: true } },
    { context: { name: 'acme', dashboard: true, tags: ['a'] } },
  );
  const merged = { name: 'acme', dashboard: true, tags: ['a'], alarmEmail: 'ops@example.com' };
  expect(withoutPersonal(merged, files)).toEqual({ dashboard: true, alarmEmail: 'ops@example.com' });
  expect(withoutPersonal({ ...merged, name: 'staging' }, files)).toMatchObject({ name: 'staging' });
});

test.each([[{}], [{ context: 5 }], ['no object']])('a ~/.cdk.json of %j adds nothing', personal => {
  expect(filesWith({}, personal)).toEqual({ project: {}, personal: {} });
});

test('there may be no ~/.cdk.json', () => {
  expect(contextFiles(join(folder, 'nobody'), folder).personal).toEqual({});
});

test('the app says which settings in ~/.cdk.json it does not use', () => {
  const personal = { name: 'Acme Corp', provider: 'aws', costCentre: 7 };
  writeFileSync(join(folder, '.cdk.json'), JSON.stringify({ context: personal }));
  const { status, stderr } = spawnSync(process.execPath, ['infra/app.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: { HOME: folder, CDK_CONTEXT_JSON: JSON.stringify({ ...personal, alarmEmail: 'foo' }) },
  });
  expect(stderr).toBe(
    [
      'token-refresher: "name" of ~/.cdk.json is not used. Set it in cdk.json or with -c.',
      'token-refresher: "provider" of ~/.cdk.json is not used. Set it in cdk.json or with -c.',
      'token-refresher: "alarmEmail" must be an e-mail address, got "foo".',
      '',
    ].join('\n'),
  );
  expect(status).toBe(1);
});
