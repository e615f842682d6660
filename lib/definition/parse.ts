import type * as z from 'zod';
import { faultsIn, type PathFault } from './checks.ts';
import { nearMiss } from './near-miss.ts';
import { type DefinitionData, definitionSchema } from './schema.ts';

/** A definition that is none: a line for each path, with what to write. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}

/** Reads a definition. Throws a `DefinitionError`. */
export const definitionFrom = (value: unknown): DefinitionData => {
  const parsed = definitionSchema.safeParse(value);
  const faults = parsed.success ? faultsIn(parsed.data) : parsed.error.issues.flatMap(issue => faultsOf(issue));
  if (!parsed.success || faults.length > 0) throw new DefinitionError([...new Set(faults.map(sentenceOf))].join('\n'));
  return parsed.data;
};

const sentenceOf = ({ path, message }: PathFault): string => {
  const end = message.endsWith('?') ? '' : '.';
  return path === '' ? `The definition ${message}${end}` : `"${path}" ${message}${end}`;
};

const faultsOf = (issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): readonly PathFault[] => {
  const at = [...above, ...issue.path];
  const path = at.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => ({ path: [...at, key].join('.'), message: strangerSentence(key, at) }));
  }
  if (issue.code === 'invalid_union') {
    const alternatives = issue.errors.filter(each => each.length > 0);
    const deepest = alternatives.toSorted((a, b) => depthOf(b) - depthOf(a) || a.length - b.length)[0] ?? [];
    return deepest.length > 0 ? deepest.flatMap(each => faultsOf(each, at)) : [{ path, message: 'has a wrong form' }];
  }
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path, message }));
  return [{ path, message: messageOf(issue) }];
};

const depthOf = (issues: readonly z.core.$ZodIssue[]): number => Math.max(...issues.map(({ path }) => path.length));

const messageOf = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined && / undefined$/.test(issue.message)
      ? `is missing: it must be ${kinds[issue.expected] ?? issue.expected}`
      : `must be ${kinds[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(each => JSON.stringify(each)).join(' or ')}`;
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${issue.origin === 'array' ? ' long' : ''}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${issue.origin === 'array' ? ' long' : ''}`;
  return issue.message;
};

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  number: 'a number',
  int: 'a whole number',
};

const TOP = Object.keys(definitionSchema.shape);

const strangerSentence = (key: string, at: readonly PropertyKey[]): string => {
  const meant = at.length === 0 ? nearMiss(key, TOP) : undefined;
  return meant === undefined
    ? 'is not a part of a definition: remove it'
    : `is not a part of a definition: did you mean "${meant}"?`;
};
