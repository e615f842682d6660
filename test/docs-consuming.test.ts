import { expect, test } from 'vitest';
import { windows } from '../lib/client/cache.ts';
import { tokenErrorCodes } from '../lib/client/errors.ts';
import { apiPatience, tablePatience } from '../lib/client/patience.ts';
import { cells, rowsOf, sectionOf } from './kit/pages.ts';
import { textOf } from './kit/repository.ts';

const consuming = textOf('docs/consuming.md');

test('the page explains every error code', () => {
  const rows = rowsOf(sectionOf(consuming, 'Errors')).map(cells);
  expect(rows.map(([, code]) => code?.replaceAll('`', ''))).toEqual(tokenErrorCodes);
  for (const [, code, means, next] of rows) expect([code, means !== '', next !== '']).toEqual([code, true, true]);
});

test('the page has the windows of the cache, and the longest reads', () => {
  const inPercent = ({ least, most }: { least: number; most: number }) => `${least * 100} to ${most * 100} %`;
  expect(consuming).toContain(`more than ${inPercent(windows.advisory)} of its life`);
  expect(consuming).toContain(`less than ${inPercent(windows.mandatory)}`);
  const prose = consuming.replaceAll('\n', ' ');
  expect(prose).toContain(
    `A read of the table ends after ${tablePatience.long / 1000} seconds, one of the API after ${apiPatience.long / 1000}.`,
  );
  expect(prose).toContain(`they end after ${tablePatience.short / 1000} and ${apiPatience.short / 1000}.`);
});
