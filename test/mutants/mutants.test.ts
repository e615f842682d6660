import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mutants } from './protocol.ts';

const sourceOf = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

test('every mutant still finds what it breaks', () => {
  const lost = mutants.filter(({ file, find }) => sourceOf(file).split(find).length !== 2);
  expect(lost.map(({ file, name }) => `${file}: ${name}`)).toEqual([]);
});

test('no mutant leaves things as they are, and no two have one name', () => {
  expect(mutants.filter(({ find, replace }) => find === replace)).toEqual([]);
  expect(new Set(mutants.map(({ file, name }) => `${file}: ${name}`)).size).toBe(mutants.length);
});
