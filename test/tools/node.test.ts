import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { behind } from '../../tools/node/behind.ts';

const releases = [
  { version: '24.9.0', security: true },
  { version: '24.17.0', security: true },
  { version: '24.20.0', security: false },
  { version: '26.0.0-rc.1', security: true },
];

it('a pin behind the newest security release of its line is named, with what to take', () => {
  expect(behind({ a: '24.0.0', b: '24.17.0', c: '24.20.0', d: '26.1.0', e: '24.16.9' }, releases)).toEqual([
    'a is pinned at 24.0.0, behind the security release 24.17.0: take that or a newer one.',
    'e is pinned at 24.16.9, behind the security release 24.17.0: take that or a newer one.',
  ]);
});

it('apps that install the package get no Node with it', () => {
  const { dependencies, optionalDependencies = {} } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  expect(Object.keys({ ...dependencies, ...optionalDependencies }).filter(name => name.startsWith('node-'))).toEqual(
    [],
  );
});
