import { expect, test } from 'vitest';
import { sectionIn } from '../../tools/figures/section.ts';
import { textOf } from '../kit/repository.ts';
import { mutants } from './protocol.ts';

test('every mutant still finds what it breaks', () => {
  const lost = mutants.filter(({ file, find }) => textOf(file).split(find).length !== 2);
  expect(lost.map(({ file, name }) => `${file}: ${name}`)).toEqual([]);
});

test('docs/reliability.md has the result of each', () => {
  const recorded = sectionIn(textOf('docs/reliability.md'), 'mutants');
  const rows = [...recorded.matchAll(/^\| (.*) \| `(.*)` \| seed /gm)].map(([, name, file]) => `${file}: ${name}`);
  expect(rows.toSorted()).toEqual(mutants.map(({ file, name }) => `${file}: ${name}`).toSorted());
  expect(recorded).toContain(`\n${mutants.length} mutants: ${mutants.length} noticed, 0 not.\n`);
});

test('no mutant leaves things as they are, and no two have one name', () => {
  expect(mutants.filter(({ find, replace }) => find === replace)).toEqual([]);
  expect(new Set(mutants.map(({ file, name }) => `${file}: ${name}`)).size).toBe(mutants.length);
});
