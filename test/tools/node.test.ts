import { expect, it } from 'vitest';
import { behind } from '../../tools/node/behind.ts';
import { textOf } from '../kit/repository.ts';

const releases = [
  { version: '24.9.0', security: true },
  { version: '24.17.0', security: true },
  { version: '24.20.0', security: false },
  { version: '26.0.0-rc.1', security: true },
];

const schedule = {
  v23: { start: '2024-10-16', end: '2025-06-01' },
  v24: { start: '2025-05-06', end: '2028-04-30' },
  v26: { start: '2026-05-05', end: '2029-04-30' },
};
const reported = (pins: Record<string, string>, today = '2026-12-01') => behind(pins, releases, schedule, today);

it('a pin behind the newest security release of its line is named, with what to take', () => {
  expect(reported({ a: '24.0.0', b: '24.17.0', c: '24.20.0', d: '26.1.0', e: '24.16.9' })).toEqual([
    'a is pinned at 24.0.0, behind the security release 24.17.0: take that or a newer one.',
    'e is pinned at 24.16.9, behind the security release 24.17.0: take that or a newer one.',
  ]);
});

it.each(['^24.20.0', '~24.20.0', '>=24', '24', '24.x', 'latest', 'v24.20.0', '24.20.0-rc.1', 'npm:node@24.20.0', ''])(
  'a pin that is not one version is named: "%s"',
  pin => {
    expect(reported({ a: pin, b: '24.20.0' })).toEqual([
      `a must be pinned at one version such as 24.21.0, got "${pin}".`,
    ]);
  },
);

it.each([
  ['has ended', '23.1.0', '2026-12-01'],
  ['ends today', '24.20.0', '2028-04-30'],
  ['has not begun', '26.1.0', '2026-05-04'],
  ['nobody planned', '99.0.0', '2026-12-01'],
])('a pin of a line that %s is named, whether or not that had a security release', (_, pin, today) => {
  expect(reported({ a: pin }, today)).toEqual([
    `a is pinned at ${pin}, of a line that is not supported: take a version of one that is.`,
  ]);
});

it('apps that install the package get no Node with it', () => {
  const { dependencies, optionalDependencies = {} } = JSON.parse(textOf('package.json'));
  expect(Object.keys({ ...dependencies, ...optionalDependencies }).filter(name => name.startsWith('node-'))).toEqual(
    [],
  );
});
