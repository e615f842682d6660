import { readFileSync } from 'node:fs';

/** The files of this repository, by their path in it. */

export const pathTo = (file: string): URL => new URL(`../../${file}`, import.meta.url);
export const textOf = (file: string): string => readFileSync(pathTo(file), 'utf8');
