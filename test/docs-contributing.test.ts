import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codesIn } from './kit/pages.ts';
import { pathTo, textOf } from './kit/repository.ts';

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
